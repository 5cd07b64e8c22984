"""Masks of filters over the ordinals of one state, the latest of them kept."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from search.engines.local.filters import FilterIndex, filter_mask
from search.types import Filters, Mask

_KEPT = 16
"""One byte per document each."""


class MaskCache:
    """The living ordinals that satisfy filters; the caller must not write to a mask."""

    def __init__(self, index: FilterIndex, alive: Mask) -> None:
        self.count = int(np.count_nonzero(alive))
        self.all_alive = self.count == len(alive)
        self._of = lru_cache(_KEPT)(lambda filters: filter_mask(index, filters, alive))

    def of(self, filters: Filters) -> Mask:
        """Bool of shape (ordinals,).

        Raises:
            BadInput: a filter is wrong.
        """
        return self._of(filters)

    def clear(self) -> None:
        """Lets go of the masks kept; they are made again when asked for."""
        self._of.cache_clear()
