"""What the shop asks for and what it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search.types.catalogue import Filters, Product
from search.types.experiments import UNTREATED, Teams, Treatment
from search.types.query import Query
from search.types.ranking import Relaxation, Shopper
from search.types.rules import Move

Sort = Literal["relevance", "price_asc", "price_desc", "rating", "newest"]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What the shop asks for. `system` names a pipeline variant (`ranked`, `hybrid`, `bm25`,
    `dense`); None is `ranked` while a ranking model is in use, else `hybrid`.

    `cursor` continues an earlier response on the very same view of the index. `facets` are the
    names to count (see `Filter.name`); None means the index's own default, () means none.
    `verbatim` searches the words as typed, without correcting them; `ignored` names what was
    recognized in the query and is to be ignored (see `Query.ignored`). `segments` are names that
    the shop's rules may ask for. `diversity` (0 to 1) is how much variety counts against relevance;
    None means as set. Without `sponsored` no place is a paid one. `treatment` is what experiments
    decide where the request itself says nothing; later pages have that of the first.
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
    system: str | None = None
    verbatim: bool = False
    ignored: tuple[str, ...] = ()
    shopper: Shopper = field(default_factory=Shopper)
    segments: tuple[str, ...] = ()
    diversity: float | None = None
    sponsored: bool = True
    id: str = ""
    treatment: Treatment = UNTREATED


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
class Scored:
    """What a model made of a hit: its score, and the values of its features, NaN where unknown.

    With `explain`, `contributions` are what each feature adds: they and `base` sum to the score.
    """

    score: float
    row: NDArray[np.float32] = field(repr=False, compare=False)
    """The features' values, shape (features,)."""
    contributions: tuple[float, ...] = ()
    base: float = 0.0

    @property
    def values(self) -> tuple[float, ...]:
        """The features' values; made when asked for, since most answers need none."""
        return tuple(self.row.tolist())


@dataclass(frozen=True, slots=True)
class ReadHit:
    """What a cross-encoder made of a hit that it read: its score, its weight beside the model (how
    many of the model's spreads one of its own moves a hit), what that score adds to the model's,
    and the 1-based places that the hit had before and after: where groups are shown, its group."""

    score: float
    weight: float
    added: float
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """The model that ordered the hits, and the features that it knows them by, in order."""

    name: str
    version: str
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """One product on the page. `position` is 1-based over the whole result, not the page. `score`
    is that of its place: one with a `pin` or a paid place has that of the hit it stands before.

    With `explain`, `moves` are what rules did to it, and `before` is its place ahead of them: of
    what stock, age, variety and rules changed, None where it was no result. `reading` is None
    where no cross-encoder read it. Where groups are shown, places are those of its group.
    """

    product: Product
    position: int
    score: float
    highlights: Mapping[str, str] = field(default_factory=dict)
    variants: int = 0
    why: tuple[StageScore, ...] = ()
    sponsored: bool = False
    moves: tuple[Move, ...] = ()
    before: int | None = None
    behind: int = 0
    reading: ReadHit | None = None
    scored: Scored | None = None
    """None without a model, and for hits that it did not look at."""


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """The answer to one request, and how it came about.

    `total` counts the result set: products that match the words, and those near in meaning; it is
    a lower bound unless `total_exact` (counting costs more than finding, so it is done only when
    facets are asked for or everything was fetched anyway).
    `relaxation` says which step was needed to find anything; `dropped` are filters understood from
    the query that would have left nothing, and were not applied; `fallbacks` names stages that
    failed and what stood in for them; `timings` are milliseconds by stage, in order. `rules` are
    the ids of the shop's rules that apply, `redirect` the page that one of them sends shoppers to.
    `exploration` says by what chance the order was varied, "" when it was not; then `propensities`
    are the probabilities with which each hit stands where it stands, and `list_propensity` that of
    the whole order. `treatment` is what experiments decided, `teams` whom the hits of an
    interleaved answer stand for.
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
    rules: tuple[str, ...] = ()
    redirect: str | None = None
    model: ModelUsed | None = None
    reader: str = ""
    """The cross-encoder that read the best hits, "" where none did."""
    exploration: str = ""
    propensities: tuple[float, ...] = ()
    list_propensity: float = 1.0
    treatment: Treatment = UNTREATED
    teams: Teams | None = None
    id: str = ""
    """The query id, that of the request."""
