"""Behavior by ordinal of the views of one snapshot.

An ordinal keeps its product as long as its snapshot is used, and live changes append ordinals: what
was looked up once is kept, and a newer view looks up only what it added.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rankers.behavior.store import DAYS, KINDS, BehaviorStore
from rankers.features.inputs import Behavior, Counts, Rates
from search.seams import Facts

_SPARE = 4096
"""Ordinals there is room for before the arrays are made anew."""


class BehaviorMap:
    """A store by ordinal, for every view of one snapshot. Safe from several threads."""

    def __init__(self, store: BehaviorStore) -> None:
        self._store = store
        self._row_of = {product: row for row, product in enumerate(store.ids)}
        self._counts = np.zeros((len(DAYS), len(KINDS), 0), np.float32)
        self._filled = 0
        self._behavior: Behavior | None = None
        self._turn = threading.Lock()

    def missing(self, facts: Facts) -> int:
        """The ordinals of a view that were not looked up yet."""
        return max(_ordinals(facts) - self._filled, 0)

    def of(self, facts: Facts) -> Behavior:
        """The behavior of a view; ordinals beyond it may be counted too. Looks up what is
        missing."""
        with self._turn:
            if self._behavior is None or self.missing(facts):
                self._extend(facts.ids(self._filled, _ordinals(facts)))
            assert self._behavior is not None
            return self._behavior

    def _extend(self, ids: Sequence[str]) -> None:
        stop = self._filled + len(ids)
        if stop > self._counts.shape[2]:
            room = np.zeros((len(DAYS), len(KINDS), stop + _SPARE), np.float32)
            room[:, :, : self._filled] = self._counts[:, :, : self._filled]
            self._counts = room
        rows = np.fromiter((self._row_of.get(each, -1) for each in ids), np.int64, len(ids))
        known = np.flatnonzero(rows >= 0)
        self._counts[:, :, self._filled + known] = self._store.counts[:, :, rows[known]]
        self._filled = stop
        self._behavior = Behavior(
            {
                days: _counts(self._counts[place], self._store.usual[place])
                for place, days in enumerate(DAYS)
            },
            self._store.queries,
        )


def _ordinals(facts: Facts) -> int:
    return len(facts.columns.numbers("price"))


def _counts(values: NDArray[np.float32], usual: NDArray[np.float64]) -> Counts:
    return Counts(**dict(zip(KINDS, values, strict=True)), usual=Rates(*usual.tolist()))
