"""A mapping guessed from the first rows: by field names first, checked against the values."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from indexer.attributes import plain_number
from indexer.mapping import (
    PRODUCT_FIELDS,
    AttributeMapping,
    AttributesMapping,
    AttributeType,
    FieldMapping,
    Mapping,
    ProductField,
)
from indexer.rows import Row
from indexer.validate import is_empty, read_image, read_number, read_stock
from indexer.values import BadValue, as_text, parse_date
from search.errors import BadInput

SAMPLE_ROWS = 1_000
LONG_TEXT = 200
"""Characters; unknown fields with a longer typical value are description, not attributes."""

NAMES: dict[ProductField, tuple[str, ...]] = {
    "id": ("id", "product_id", "item_id", "sku", "asin", "upc", "ean", "gtin", "uid", "uuid",
           "article_number", "item_number", "code", "handle", "product_uid"),
    "title": ("title", "name", "product_title", "product_name", "item_name", "display_name",
              "item_title", "short_title", "label"),
    "description": ("description", "product_description", "long_description",
                    "short_description", "desc", "descr", "body", "body_html", "summary", "details",
                    "about", "bullet_points", "bullet_point", "product_bullet_point", "features",
                    "text"),
    "brand": ("brand", "product_brand", "brand_name", "manufacturer", "supplier", "vendor",
              "maker"),
    "category": ("category", "category_path", "category_hierarchy", "categories", "breadcrumbs",
                 "google_product_category", "product_type", "product_category", "department",
                 "product_class"),
    "price": ("price", "sale_price", "current_price", "product_price", "unit_price", "list_price",
              "price_usd", "price_eur", "retail_price", "amount"),
    "list_price": ("list_price", "msrp", "rrp", "original_price", "was_price", "compare_at_price",
                   "regular_price", "old_price", "price_before_discount", "strike_price"),
    "currency": ("currency", "currency_code", "price_currency"),
    "color": ("color", "colour", "product_color", "product_colour"),
    "tags": ("tags", "keywords", "labels"),
    "image": ("image", "image_url", "image_link", "main_image", "img", "img_url", "picture",
              "thumbnail", "images", "photo"),
    "rating": ("rating", "average_rating", "avg_rating", "rating_average", "stars",
               "review_score", "review_rating"),
    "rating_count": ("rating_count", "ratings_count", "review_count", "reviews_count",
                     "num_reviews", "num_ratings", "ratings_total", "reviews"),
    "sales_rank": ("sales_rank", "salesrank", "bestseller_rank", "best_sellers_rank"),
    "stock": ("stock", "inventory", "quantity", "qty", "stock_quantity", "units_in_stock",
              "availability", "in_stock"),
    "created": ("created", "created_at", "date_created", "date_added", "added_at",
                "release_date", "date_released", "published_at", "launch_date"),
    "group": ("group", "item_group_id", "group_id", "parent_id", "parent_asin", "parent_sku",
              "variant_group"),
}  # fmt: skip
"""Usual names of each product field, the most telling first; letter case, spaces and punctuation
do not count."""
_TYPED_PREFIXES: dict[str, AttributeType] = {
    "attr_t_": "text", "attr_n_": "number", "attr_b_": "boolean"
}  # fmt: skip
_SEPARATORS = (" > ", " / ", " >> ", " | ", "|", ">", "/")


@dataclass(frozen=True, slots=True)
class Guess:
    """What became of one source field. `target` is a product field, `attributes.<name>`, or ""
    when it is left out."""

    source: str
    target: str
    why: str


@dataclass(slots=True)
class _Draft:
    """The sample by column, and the guess so far."""

    columns: dict[str, list[Any]]
    fields: dict[ProductField, FieldMapping] = field(default_factory=dict)
    taken: dict[str, Guess] = field(default_factory=dict)

    def take(self, target: ProductField, sources: Sequence[str], why: str, **how: Any) -> None:
        origin = "join" if target == "description" and len(sources) > 1 else "from"
        self.fields[target] = FieldMapping.model_validate({origin: tuple(sources), **how})
        self.taken |= {source: Guess(source, target, why) for source in sources}

    def named(self, target: ProductField) -> list[str]:
        """Columns not yet taken that have one of the field's usual names, best first."""
        order = {name: place for place, name in enumerate(NAMES[target])}
        free = [name for name in self.columns if name not in self.taken]
        known = [name for name in free if _plain(name) in order]
        return sorted(known, key=lambda name: order[_plain(name)])


def guess_mapping(rows: Sequence[Row]) -> tuple[Mapping, tuple[Guess, ...]]:
    """A mapping for rows like these, and what was guessed of each field, in the fields' order.

    Raises:
        BadInput: no row, or no field that could be the id or the title.
    """
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values = columns.setdefault(name, [])
            if not is_empty(value):
                values.append(value)
    draft = _Draft({name: values for name, values in columns.items() if name.strip()})
    _guess_id(draft, len(rows))
    _guess_title(draft, len(rows))
    for target in PRODUCT_FIELDS:
        if target not in draft.fields:
            _guess_field(draft, target)
    attributes = _guess_attributes(draft)
    guesses = tuple(draft.taken[name] for name in draft.columns)
    return Mapping(fields=draft.fields, attributes=attributes), guesses


def guess_table(guesses: Sequence[Guess]) -> Table:
    """The guesses as a table for the terminal."""
    table = Table("source field", "becomes", "because", title="Guessed mapping")
    for guess in guesses:
        table.add_row(guess.source, guess.target or "left out", guess.why)
    return table


def _plain(name: str) -> str:
    """`Product Name`, `productName` and `g:product_name` as `product_name`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(":")[2])
    return re.sub(r"[\W_]+", "_", name).strip("_").lower()


def _guess_id(draft: _Draft, rows: int) -> None:
    candidates = draft.named("id")
    for name in candidates:
        if _distinct(draft.columns[name]) >= 0.99 * rows:
            return draft.take("id", [name], "its name, and no two rows share a value")
    for name in candidates:
        if len(draft.columns[name]) >= 0.9 * rows:
            return draft.take("id", [name], "its name")
    telling = re.compile(r"(^|_)(id|no|nr|num|number|code|ref|sku)$")
    for name, values in draft.columns.items():
        if telling.search(_plain(name)) and _distinct(values) >= 0.99 * rows and _are_codes(values):
            return draft.take("id", [name], "a short code in a field of such a name")
    for name, values in draft.columns.items():
        if rows > 1 and _distinct(values) == rows and _are_codes(values):
            return draft.take("id", [name], "a short code that no two rows share")
    raise _unknown(draft, "id")


def _guess_title(draft: _Draft, rows: int) -> None:
    candidates = draft.named("title")
    for name in candidates:
        if len(draft.columns[name]) >= 0.5 * rows:
            others = [other for other in candidates if other != name]
            first = [name, *others] if len(draft.columns[name]) < rows else [name]
            return draft.take("title", first, "its name")
    for name, values in draft.columns.items():
        lengths = [len(value) for value in values if isinstance(value, str) and " " in value]
        free = name not in draft.taken and len(values) >= 0.9 * rows
        if free and len(lengths) > 0.8 * rows and statistics.median(lengths) <= LONG_TEXT:
            return draft.take("title", [name], "the first field of short texts")
    raise _unknown(draft, "title")


def _unknown(draft: _Draft, target: str) -> BadInput:
    fields = ", ".join(list(draft.columns)[:30]) or "none: the catalogue is empty"
    return BadInput(
        f"cannot tell which field is the {target}; the fields are {fields}. Write a mapping file "
        "(docs/catalogue.md) or name a preset",
        field=target,
    )


def _distinct(values: list[Any]) -> int:
    return len({str(value) for value in values})


def _are_codes(values: Sequence[Any]) -> bool:
    return all(map(_is_code, values)) and not _are_addresses(values)


def _is_code(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole or (isinstance(value, str) and len(value) <= 64 and " " not in value.strip())


def _guess_field(draft: _Draft, target: ProductField) -> None:
    names = [name for name in draft.named(target) if draft.columns[name]]
    if target == "description":
        texts = [name for name in names if not isinstance(draft.columns[name][0], dict)]
        if texts:
            draft.take(target, texts, "its name")
        return
    if target == "image" and not names:
        names = [name for name in draft.columns if _is_image(draft, name)]
    if target == "price" and not names:
        free = [name for name in draft.columns if name not in draft.taken]
        telling = [name for name in free if "price" in _plain(name).split("_")]
        names = telling if len(telling) == 1 else []
    for name in names:
        how = _fits(target, draft.columns[name])
        if how is not None:
            return draft.take(target, [name], "its name, and its values fit", **how)
    return None


def _is_image(draft: _Draft, name: str) -> bool:
    """Whether an unknown field's name and values both speak of pictures."""
    telling = re.search(r"im(age|g)|picture|photo|thumb", _plain(name))
    return bool(telling) and name not in draft.taken and _are_addresses(draft.columns[name])


def _are_addresses(values: Sequence[Any]) -> bool:
    web = sum(str(value).startswith(("http://", "https://")) for value in values)
    return web > len(values) / 2


def _fits(target: ProductField, values: list[Any]) -> dict[str, Any] | None:
    """How to read a column as this product field; None when most of its values do not fit."""
    trial = FieldMapping.model_validate("x")
    match target:
        case "price" | "list_price":
            return {} if _share(values, lambda v: read_number(v, trial, 1e9)) else None
        case "rating":
            return {} if _share(values, lambda v: read_number(v, trial, 5.0)) else None
        case "rating_count" | "sales_rank":
            return {} if _share(values, lambda v: read_number(v, trial, 1e15)) else None
        case "stock":
            return {} if _share(values, lambda v: read_stock(v, trial)) else None
        case "created":
            forms = ("iso", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d")
            fit = next((f for f in forms if _share(values, lambda v, f=f: parse_date(v, f))), None)
            return {"date": fit} if fit else None
        case "image":
            return {} if _share(values, read_image) else None
        case "category" | "tags":
            separator = _separator(values, (",", ";", "|") if target == "tags" else _SEPARATORS)
            return {"split": separator} if separator else {}
        case _:
            return {} if _share(values, as_text) else None


def _share(values: list[Any], read: Any, least: float = 0.9) -> bool:
    good = 0
    for value in values:
        try:
            read(value)
            good += 1
        except BadValue:
            continue
    return good >= least * len(values)


def _separator(values: list[Any], separators: Sequence[str]) -> str | None:
    texts = [value for value in values if isinstance(value, str)]
    for separator in separators:
        if texts and sum(separator in text for text in texts) > 0.3 * len(texts):
            return separator
    return None


def _guess_attributes(draft: _Draft) -> AttributesMapping:
    fields: dict[str, AttributeMapping] = {}
    ignore: list[str] = []
    whole_object: str | None = None
    prefixes = [
        prefix
        for prefix in _TYPED_PREFIXES
        if any(name.startswith(prefix) for name in draft.columns)
    ]
    for name, values in draft.columns.items():
        if name in draft.taken:
            continue
        kind, why = _attribute_kind(values)
        prefix = next((p for p in prefixes if name.startswith(p)), "")
        if prefix:
            target, why = f"attributes.{name.removeprefix(prefix)}", f"its prefix {prefix}"
        elif _plain(name) == "attributes" and values and isinstance(values[0], dict):
            whole_object, target, why = name, "attributes", "an object of that name"
        elif kind is None:
            target = ""
            ignore.append(name)
        else:
            target = f"attributes.{name}"
            if kind != "any":
                fields[name] = AttributeMapping.model_validate({"from": name, "type": kind})
        draft.taken[name] = Guess(name, target, why)
    return AttributesMapping(
        fields=fields,
        prefixes={prefix: _TYPED_PREFIXES[prefix] for prefix in prefixes},
        object=whole_object,
        rest=True,
        ignore=tuple(ignore),
        on_mismatch="text",
    )


def _attribute_kind(values: list[Any]) -> tuple[AttributeType | None, str]:
    """The type of an unknown column, None to leave it out, and why."""
    texts = [value for value in values if isinstance(value, str)]
    if not values:
        return "any", "an unknown field, empty so far"
    if any(isinstance(v, list) and any(isinstance(i, dict) for i in v) for v in values):
        return None, "a list of objects"
    if len(texts) < len(values):
        return "any", "an unknown field, with the type it has"
    if _are_addresses(texts):
        return None, "web addresses"
    if statistics.median(map(len, texts)) > LONG_TEXT:
        return None, "long texts; join it to the description if shoppers search for it"
    if all(isinstance(plain_number(text.strip()), float) for text in texts):
        return "number", "an unknown field of numbers"
    if {text.strip().lower() for text in texts} <= {"true", "false", "yes", "no"}:
        return "boolean", "an unknown field of true and false"
    return "any", "an unknown field of short texts"
