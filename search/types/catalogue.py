"""Products, changes to them, and conditions on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

AttributeValue = str | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """One sellable product, the same for every source.

    `category` is the path from the root (`("Home", "Kitchen", "Kettles")`). `price` is in units of
    `currency` (dollars, not cents), and so is `list_price`, the price before a discount. `rating`
    is 0 to 5. `stock` is a count of units; None means unknown, which counts as available. `group`
    names the variant group.
    """

    id: str
    title: str
    description: str = ""
    brand: str | None = None
    category: tuple[str, ...] = ()
    price: float | None = None
    currency: str | None = None
    color: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    image: str | None = None
    rating: float | None = None
    rating_count: int | None = None
    sales_rank: int | None = None
    stock: int | None = None
    created: date | None = None
    group: str | None = None
    list_price: float | None = None


@dataclass(frozen=True, slots=True)
class Upsert:
    """Adds a product, or replaces the one with its id."""

    product: Product


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes a product by id."""

    id: str


@dataclass(frozen=True, slots=True)
class Patch:
    """Changes some fields of a product: `fields` maps `Product` field names to new values
    (price and stock changes are the usual case); None clears a field."""

    id: str
    fields: Mapping[str, object]


Change = Upsert | Delete | Patch


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a batch of changes. `version` is the first one that holds them; `missing` are
    ids of deletes and patches that named no product."""

    version: str
    upserted: int = 0
    patched: int = 0
    deleted: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; a request's filters must all hold.

    `name` is `brand`, `color`, `category`, `price`, `rating`, `in_stock`, or `attributes.<name>`.
    With `values`, any one of them matches; a category value is a path joined by " > " and matches
    its whole subtree. With `low` or `high` (inclusive) a number must lie between; a product without
    the number never matches. `in_stock` takes the value "true" or "false".
    `measures.<dimension>` (`measures.length`) bounds what the product measures, in the dimension's
    base unit (`query.phrases`). `words` takes phrases: the product's title has one of them, not
    counting where it says that it has it not (`sugar-free`). With `exclude` the condition must not
    hold.
    """

    name: str
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    exclude: bool = False


Filters = tuple[Filter, ...]
