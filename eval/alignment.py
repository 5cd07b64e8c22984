"""Where the judged documents stand in a run: all that a metric needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.runs import Run
from search.errors import BadInput

Values = NDArray[np.float64]
"""One value per query, or per entry of a ranking, float64, shape (n,)."""
Gains = Mapping[str, Mapping[str, float]]
"""Query → product id → gain."""


@dataclass(frozen=True, slots=True)
class JudgedRanking:
    """Where the judged documents stand, for many queries, flat.

    Entry i says that query `query[i]` (its index) has a document of gain `gain[i]` at the 1-based
    `rank[i]`. Sorted by query, then rank; queries without any have no entry. int64, int64,
    float64, each of shape (entries,).
    """

    query: NDArray[np.int64]
    rank: NDArray[np.int64]
    gain: Values
    queries: int

    def condensed(self) -> JudgedRanking:
        """The same without unjudged documents: ranks count judged documents only."""
        starts = np.searchsorted(self.query, np.arange(self.queries))
        rank = np.arange(len(self.query)) - starts[self.query] + 1
        return JudgedRanking(self.query, rank, self.gain, self.queries)

    def relevant_from(self, gain: float) -> JudgedRanking:
        """The same with gains of 1 for documents of at least this gain, and 0 for the others."""
        relevant = (self.gain >= gain).astype(np.float64)
        return JudgedRanking(self.query, self.rank, relevant, self.queries)

    def total(self, weights: NDArray[np.generic], k: int) -> Values:
        """The sum of the entries' weights among the first k ranks, per query."""
        inside = self.rank <= k
        sums = np.bincount(self.query[inside], weights[inside], minlength=self.queries)
        return sums.astype(np.float64)


def place_judged(gains: Gains, run: Run, system: str) -> JudgedRanking:
    """Finds the judged documents of each query of `gains` in the system's run.

    Raises:
        BadInput: a ranking that is no list of ids, or that holds a product twice.
    """
    entries: list[tuple[int, int, float]] = []
    for i, (query, known) in enumerate(gains.items()):
        ranked = run.get(query, ())
        # A dictionary made in C beats a loop in Python over a thousand ids per query.
        places = dict(zip(ranked, range(1, len(ranked) + 1), strict=True))
        if isinstance(ranked, str) or len(places) != len(ranked):
            raise _unusable(ranked, f"{system}, query {query!r}")
        entries += sorted((i, places[p], gain) for p, gain in known.items() if p in places)
    return _flat(entries, len(gains))


def place_ideal(gains: Gains) -> JudgedRanking:
    """The best possible ranking of each query: all its judged documents by falling gain."""
    entries = [
        (i, rank, gain)
        for i, known in enumerate(gains.values())
        for rank, gain in enumerate(sorted(known.values(), reverse=True), 1)
    ]
    return _flat(entries, len(gains))


def _unusable(ranked: Sequence[str], place: str) -> BadInput:
    if isinstance(ranked, str):
        return BadInput(f"{place}: a ranking is a list of product ids, not one text")
    twice = next(p for i, p in enumerate(ranked) if p in ranked[:i])
    return BadInput(f"{place}: product {twice!r} is ranked twice; keep its better place")


def _flat(entries: Sequence[tuple[int, int, float]], queries: int) -> JudgedRanking:
    table = np.array(entries, np.float64).reshape(-1, 3)
    query, rank = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    return JudgedRanking(query, rank, np.ascontiguousarray(table[:, 2]), queries)
