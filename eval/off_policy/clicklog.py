"""What was shown and clicked, as off-policy estimators read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

Codes = NDArray[np.int32]
Amounts = NDArray[np.float64]


def sums(codes: NDArray[Any], amounts: Amounts, size: int) -> Amounts:
    """Sums of amounts by code, float64 of shape (size,)."""
    return np.bincount(codes, amounts, size).astype(np.float64, copy=False)


FOLDS = 2
"""A direct model judges the clicks of those whom it did not learn from."""


@dataclass(frozen=True, slots=True)
class ClickLog:
    """Shown products, one a row, sorted by search.

    By row: `searches`, and `units`, who is drawn independently of each other (shoppers); the
    `documents`, a product as the answer to a query; their `positions` from 1 on; `clicks` (float64,
    0 or 1); and `chances` (float64), how probable the logging policy made it that the product stood
    there, 1 where nothing was left to chance. Codes are int32, each from 0 on without gaps.
    `queries` (int32, shape (documents,)) are the documents' queries.
    """

    units: Codes
    searches: Codes
    documents: Codes
    positions: Codes
    clicks: Amounts
    chances: Amounts
    queries: Codes

    def __len__(self) -> int:
        return len(self.documents)

    def where(self, kept: NDArray[np.bool_]) -> ClickLog:
        """Some of the rows; codes stay as they are."""
        return ClickLog(
            self.units[kept],
            self.searches[kept],
            self.documents[kept],
            self.positions[kept],
            self.clicks[kept],
            self.chances[kept],
            self.queries,
        )

    def of_queries(self, kept: NDArray[np.int64]) -> tuple[ClickLog, NDArray[np.int64]]:
        """The log of some queries (rising codes), renumbered; and the documents that remain."""
        documents = np.flatnonzero(np.isin(self.queries, kept))
        log = self.where(np.isin(self.queries[self.documents], kept))
        _, units = np.unique(log.units, return_inverse=True)
        _, searches = np.unique(log.searches, return_inverse=True)
        codes = np.searchsorted(documents, log.documents)
        queries = np.searchsorted(kept, self.queries[documents])
        chosen = ClickLog(
            units.astype(np.int32),
            searches.astype(np.int32),
            codes.astype(np.int32),
            log.positions,
            log.clicks,
            log.chances,
            queries.astype(np.int32),
        )
        return chosen, documents

    def check(self) -> None:
        """Refuses what nothing can be estimated from.

        Raises:
            BadInput: nothing was shown or clicked, positions below 1, chances that are none.
        """
        if not len(self):
            raise BadInput("the log shows no products; log what is shown", field="events")
        if self.positions.min() < 1:
            raise BadInput(f"position {self.positions.min()} was logged; count positions from 1")
        if not ((self.chances > 0) & (self.chances <= 1)).all():
            raise BadInput(
                "a logged propensity is not above 0 and at most 1; log the probability with which "
                "a product was put where it stood",
                field="propensities",
            )
        if not self.clicks.any():
            raise BadInput(
                "no clicks in this log: nothing can be estimated from it", field="events"
            )


@dataclass(frozen=True, slots=True)
class Cells:
    """Impressions and clicks (float64) of each document at each place and in each fold of units,
    sorted by document, place and fold; places are positions from 0 on. `queries` are the cells'."""

    documents: Codes
    places: Codes
    folds: Codes
    queries: Codes
    impressions: Amounts
    clicks: Amounts


class Layout:
    """A log laid out so that it can be counted again and again, with other weights of its units."""

    def __init__(self, log: ClickLog, seed: int = 0) -> None:
        log.check()
        self.log = log
        self.depth = int(log.positions.max())
        self.units = int(log.units.max()) + 1
        self.documents, self.queries = len(log.queries), int(log.queries.max()) + 1
        folds = np.random.default_rng([seed, 7]).permutation(self.units) % FOLDS
        places = log.positions - 1
        keys = (log.documents.astype(np.int64) * self.depth + places) * FOLDS + folds[log.units]
        found, self._cell = np.unique(keys, return_inverse=True)
        first = np.flatnonzero(np.diff(log.searches, prepend=-1))
        self._searching = log.units[first], log.queries[log.documents[first]]
        documents = (found // (self.depth * FOLDS)).astype(np.int32)
        self._keys = (
            documents,
            (found // FOLDS % self.depth).astype(np.int32),
            (found % FOLDS).astype(np.int32),
            log.queries[documents],
        )
        self._clicked = np.flatnonzero(log.clicks)

    def cells(self, weights: Amounts) -> Cells:
        """The sums when each unit counts `weights` times, float64 (units,)."""
        return self._sums(weights[self.log.units])

    def by_chance(self, weights: Amounts, most: float) -> Cells:
        """The same, each row weighed by one over its chance, at most by `most`."""
        return self._sums(weights[self.log.units] * np.minimum(1 / self.log.chances, most))

    def _sums(self, rows: Amounts) -> Cells:
        size, clicked = len(self._keys[0]), self._clicked
        amounts = rows[clicked] * self.log.clicks[clicked]
        return Cells(
            *self._keys,
            sums(self._cell, rows, size),
            sums(self._cell[clicked], amounts, size),
        )

    def searches(self, weights: Amounts) -> Amounts:
        """How often each query was asked, float64 (queries,)."""
        units, queries = self._searching
        return sums(queries, weights[units], self.queries)


def once(layout: Layout) -> Amounts:
    """Each unit counted once."""
    return np.ones(layout.units)
