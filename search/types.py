"""The values that flow through Aisle: frozen, slotted, shared by every room.

This module is a leaf: it imports nothing of Aisle. A stage takes what it needs and returns a new
value; there is no mutable context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Ordinals = NDArray[np.int32]
"""Dense document numbers inside one view of an index, int32, shape (n,)."""
Scores = NDArray[np.float32]
"""Scores beside ordinals, float32, shape (n,); higher is better."""
Vector = NDArray[np.float32]
"""One unit-length embedding, float32, shape (dimensions,)."""
Vectors = NDArray[np.float32]
"""Unit-length embeddings, float32, shape (n, dimensions)."""
Mask = NDArray[np.bool_]
"""One flag per ordinal, bool, shape (documents,)."""

AttributeValue = str | float | bool | tuple[str, ...]
Sort = Literal["relevance", "price_asc", "price_desc", "rating", "newest"]
Relaxation = Literal["none", "fewer_words", "meaning_only"]
SpellingOutcome = Literal["unchanged", "suggested", "corrected"]
EntityUse = Literal["filter", "boost", "none"]
Intent = Literal["product_lookup", "brand", "category", "attribute", "broad", "support"]
Preference = Literal["low", "high"]


@dataclass(frozen=True, slots=True)
class Product:
    """One sellable product, the same for every source.

    `category` is the path from the root (`("Home", "Kitchen", "Kettles")`). `price` is in units of
    `currency` (dollars, not cents). `rating` is 0 to 5. `stock` is a count of units; None means
    unknown, which counts as available. `group` names the variant group.
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


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What the shop asks for. `system` names a pipeline variant (`hybrid`, `bm25`, `dense`).

    `cursor` continues an earlier response on the very same view of the index. `facets` are the
    names to count (see `Filter.name`); None means the index's own default, () means none.
    `verbatim` searches the words as typed, without correcting them; `ignored` names what was
    recognized in the query and is to be ignored (see `Query.ignored`).
    """

    query: str
    filters: Filters = ()
    sort: Sort = "relevance"
    size: int = 20
    cursor: str | None = None
    facets: tuple[str, ...] | None = ()
    group: bool = False
    highlight: bool = False
    explain: bool = False
    system: str = "hybrid"
    verbatim: bool = False
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spelling:
    """What became of the spelling. `text` is the better spelling of the whole normalized query, ""
    when unchanged: searched when `corrected`, offered when `suggested`. `confidence` (0 to 1) is
    the calibrated probability that `text` is what the shopper meant. `edits` are the words that
    differ, as typed and as in `text`."""

    outcome: SpellingOutcome = "unchanged"
    text: str = ""
    confidence: float = 0.0
    edits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A value of the catalogue, recognized at `corrected[start:end]` of the query.

    `type` is `brand`, `color`, `size`, `material`, `product_type`, `category` or an attribute's
    name. `value` is the catalogue's own way of writing it. `probability` is calibrated: of all
    entities with .8, eight of ten are what the shopper meant. `filter` selects its products, None
    when the catalogue has no field for it.
    """

    type: str
    value: str
    text: str
    start: int
    end: int
    probability: float
    use: EntityUse = "none"
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class PriceBounds:
    """A price wished for, inclusive, in units of the catalogue's currency; `preference` is `low`
    for `cheap`, `high` for `luxury`, which bound nothing. `text` is as typed, at `start` to `end`
    of the corrected query."""

    low: float | None = None
    high: float | None = None
    preference: Preference | None = None
    text: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure wished for: `value` in `unit` as typed (`15.6`, `in`); `low` and `high` are what
    counts as that, in the base unit of its `dimension` (`length`, `volume`, `mass`, …)."""

    value: float
    unit: str
    dimension: str
    low: float
    high: float
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Negation:
    """What the shopper refuses: `text` is the refused thing alone (`lid`), `start` to `end` the
    whole phrase (`without lid`). `filters` exclude the products that have it."""

    text: str
    start: int
    end: int
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Alternative:
    """Other words that may stand for adjacent words of the query: a product with all of `instead`
    matches like one with `words`, its score counted at `weight` (at most 1)."""

    words: tuple[str, ...]
    instead: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class CategoryProbability:
    """The calibrated probability that the query asks for products within a category."""

    path: tuple[str, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Boost:
    """Products that satisfy `filter` gain `weight`, a share of the best fused score."""

    filter: Filter
    weight: float


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the shop that answers a support query."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Query:
    """A query after understanding: what the retrievers and rankers use.

    Recognized, each by one rewriter: `normalized`, then `spelling` and `corrected` (the normalized
    text that everything after works on; offsets of entities, price, measures and negations count
    its characters), `price`, `measures`, `negations`, `entities`, `categories` (most probable
    first; empty when abstaining), `intent` with its `intent_probability` (None when abstaining).

    Used by the retrievers: `terms` are the normalized words to search for, in order (price phrases
    and refusals left out); `codes` the identifiers and model numbers among them, whole
    (`wh1000xm4`); `alternatives` other words for some of them; `encoded` the text to encode (""
    means `corrected`); `filters` and `boosts` what was recognized surely and less surely.

    `ignored` names what the shopper said not to use: `brand:Apple` (an entity's type and value),
    `price`, `measure:1.5 l`, `negation:lid`. `verbatim` keeps the spelling as typed. `links` answer
    a support query. `rewrites` names what each rewriter did, for the response.
    """

    text: str
    normalized: str = ""
    terms: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    filters: Filters = ()
    rewrites: tuple[str, ...] = ()
    verbatim: bool = False
    ignored: tuple[str, ...] = ()
    recent: frozenset[str] = frozenset()
    """Words of products added since the dictionaries were built: known, whatever they look like."""
    corrected: str = ""
    spelling: Spelling = Spelling()
    price: PriceBounds | None = None
    measures: tuple[Measure, ...] = ()
    negations: tuple[Negation, ...] = ()
    entities: tuple[Entity, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    categories: tuple[CategoryProbability, ...] = ()
    intent: Intent | None = None
    intent_probability: float = 0.0
    links: tuple[Link, ...] = ()
    encoded: str = ""
    boosts: tuple[Boost, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Documents best first: two arrays of one length, ordinals unique, scores non-increasing."""

    ordinals: Ordinals
    scores: Scores

    def __len__(self) -> int:
        return len(self.ordinals)

    @staticmethod
    def empty() -> Ranking:
        """Nothing found."""
        return Ranking(np.empty(0, np.int32), np.empty(0, np.float32))

    def head(self, size: int) -> Ranking:
        """The first `size` entries (views, no copy)."""
        return Ranking(self.ordinals[:size], self.scores[:size])


@dataclass(frozen=True, slots=True)
class WordMatches:
    """What the words retriever found: its ranking, and whether it had to ask for fewer words to
    find anything."""

    ranking: Ranking
    relaxation: Relaxation = "none"


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet and the exact number of results that have it."""

    value: str
    count: int
    selected: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """Counts of one field over the result set. `low` and `high` are its bounds when numeric."""

    name: str
    values: tuple[FacetValue, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class StageScore:
    """Where one stage placed a hit: 1-based rank and score, None where it did not return it."""

    stage: str
    rank: int | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Hit:
    """One product on the page. `position` is 1-based over the whole result, not the page."""

    product: Product
    position: int
    score: float
    highlights: Mapping[str, str] = field(default_factory=dict)
    variants: int = 0
    why: tuple[StageScore, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """The answer to one request, and how it came about.

    `total` counts the result set: products that match the words, and those near in meaning; it is
    a lower bound unless `total_exact` (counting costs more than finding, so it is done only when
    facets are asked for or everything was fetched anyway).
    `relaxation` says which step was needed to find anything; `dropped` are filters understood from
    the query that would have left nothing, and were not applied; `fallbacks` names stages that
    failed and what stood in for them; `timings` are milliseconds by stage, in order.
    """

    query: Query
    hits: tuple[Hit, ...]
    total: int
    total_exact: bool
    version: str
    system: str
    relaxation: Relaxation = "none"
    dropped: Filters = ()
    fallbacks: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    cursor: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
