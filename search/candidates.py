"""What there is to rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from search.seams import Ranker
from search.types import Filters, Ordinals, Query, Ranked, Ranking, Vector, WordMatches

UNREAD = "~"
"""Ends what says how candidates were ordered where a cross-encoder did not read them."""


@dataclass(frozen=True, slots=True)
class ReadBy:
    """How much a cross-encoder counts: `weight` is how many of the model's spreads one of its own
    moves a product, `unit` what a point of its score adds to the model's."""

    weight: float
    unit: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The result set's best part: the fused order and each retriever's own ranking.

    `complete` says whether `fused` is the whole result set; `near` are the products near in
    meaning whatever the filters, for counting facets; `relaxed` whether filters left nothing and
    fewer words, or any distance in meaning, were accepted instead. `query` is what was understood
    once the vector was known, `filters` those applied, `dropped` those that were understood and
    given up, `vector` the query's, `named` the products that a query names outright. `ranked` is
    what a model made of them, once one has, and `ranker` that model. `reader` is the cross-encoder
    that read the best, "" where none did, and `read_by` how much it counts; `unread`: one should
    have and did not.
    `unmoved` is the order before it was asked, None where none was.
    """

    fused: Ranking
    stages: Mapping[str, Ranking]
    words: WordMatches
    complete: bool
    near: Ordinals = field(default_factory=lambda: Ranking.empty().ordinals)
    relaxed: bool = False
    query: Query = field(default_factory=lambda: Query(""))
    filters: Filters = ()
    dropped: Filters = ()
    vector: Vector | None = None
    named: Ordinals = field(default_factory=lambda: Ranking.empty().ordinals)
    ranked: Ranked | None = None
    ranker: Ranker | None = None
    reader: str = ""
    read_by: ReadBy | None = None
    unread: bool = False
    unmoved: Ranking | None = None

    @property
    def order(self) -> str:
        """What ordered them, for later pages to be ordered alike: the model's version, empty
        without one, and whether they were left unread."""
        return (self.ranker.version if self.ranker else "") + (UNREAD if self.unread else "")
