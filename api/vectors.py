"""A cache of query vectors: shoppers type the same few things over and over."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from cachetools import LRUCache

from search.seams import Encoder
from search.types import Vector, Vectors


class CachedEncoder:
    """An encoder that remembers the vectors of the `size` texts used last; safe across threads."""

    def __init__(self, encoder: Encoder, size: int) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self._encoder = encoder
        self._vectors: LRUCache[str, Vector] = LRUCache(size)
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 of shape (texts, dimensions)."""
        with self._lock:
            known = [self._vectors.get(text) for text in texts]
        unknown = [text for text, vector in zip(texts, known, strict=True) if vector is None]
        if unknown:
            fresh = dict(zip(unknown, self._encoder.encode(unknown), strict=True))
            with self._lock:
                self._vectors.update(fresh)
            known = [fresh[t] if v is None else v for t, v in zip(texts, known, strict=True)]
        return np.stack([vector for vector in known if vector is not None])
