"""Orders other than relevance: by popularity, price, rating or age, from the columns alone.

Unknown values come last, and ties are in the order of ordinals.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from search.engines.embedded.columns import ColumnsView
from search.types import Mask, Ordinals, Sort

KEYS: Mapping[Sort, tuple[tuple[str, int], ...]] = {
    "relevance": (("sales_rank", 1), ("rating_count", -1)),
    "price_asc": (("price", 1),),
    "price_desc": (("price", -1),),
    "rating": (("rating", -1),),
    "newest": (("created", -1),),
}
"""The columns each order compares, most significant first, and 1 for ascending, -1 for
descending. Without words to be relevant to, relevance is popularity."""
_CHUNK = 65_536


def in_order(ordinals: Ordinals, sort: Sort, columns: ColumnsView) -> Ordinals:
    """The same ordinals, sorted; NaN sorts last whatever the direction."""
    keys: list[NDArray[np.generic]] = [ordinals]
    for name, direction in reversed(KEYS[sort]):
        keys.append(np.take(columns.numbers(name), ordinals) * np.float32(direction))
    return ordinals[np.lexsort(keys)]


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
