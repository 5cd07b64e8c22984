"""A query and everything recognized in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.types.catalogue import Filter, Filters

SpellingOutcome = Literal["unchanged", "suggested", "corrected"]

EntityUse = Literal["filter", "boost", "none"]

Intent = Literal["product_lookup", "brand", "category", "attribute", "broad", "support"]

Preference = Literal["low", "high"]


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
