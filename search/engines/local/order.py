"""The whole catalogue in orders other than relevance, each sorted once."""

from __future__ import annotations

import threading

import numpy as np

from search.engines.local.columns import ColumnsView
from search.order import in_order
from search.types import Mask, Ordinals, Sort

_CHUNK = 65_536


class BaseOrders:
    """The orders of a snapshot's own rows, each sorted when it is first asked for and kept."""

    def __init__(self, columns: ColumnsView) -> None:
        self._columns = columns
        self._orders: dict[Sort, Ordinals] = {}
        self._lock = threading.Lock()

    def best(self, mask: Mask, sort: Sort, limit: int, columns: ColumnsView) -> Ordinals:
        """The first `limit` ordinals of `mask`, which may go on beyond the snapshot's rows;
        `columns` has as many rows as `mask`."""
        base = self._columns.count
        found = [np.flatnonzero(mask[base:]).astype(np.int32) + np.int32(base)]
        order, wanted = self._order(sort), limit
        for start in range(0, base, _CHUNK):
            chunk = order[start : start + _CHUNK]
            kept = chunk[np.take(mask, chunk)][:wanted]
            found.append(kept)
            wanted -= len(kept)
            if wanted <= 0:
                break
        return in_order(np.concatenate(found), sort, columns)[:limit]

    def _order(self, sort: Sort) -> Ordinals:
        with self._lock:
            if sort not in self._orders:
                every = np.arange(self._columns.count, dtype=np.int32)
                self._orders[sort] = in_order(every, sort, self._columns)
            return self._orders[sort]
