"""Encodes a catalogue's texts, resuming where an interrupted run stopped.

A vector is rounded to 16-bit floats before its first use (cosine to the unrounded one above
.999999), because the cache keeps it so: a rerun gives the very same vectors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from indexer.storage import storage_errors
from indexer.vector_cache import HalfVectors, VectorCache, keys_of
from search.seams import Encoder
from search.types import Vectors

Progress = Callable[[int], None]
"""Called with the number of texts done so far, those from the cache included."""

CHUNK = 2048
"""Texts encoded between two writes to the cache, some seconds of work: what a kill can lose."""


def encode_texts(
    texts: Iterable[str],
    count: int,
    encoder: Encoder,
    cache: Path,
    out: Path,
    *,
    progress: Progress | None = None,
) -> Vectors:
    """Writes the vectors of `texts` to `out`, a .npy file, float32, shape (count, dimensions), and
    returns it mapped into memory. `texts` is read once, in order, and never held as a whole.

    `cache` is the directory of what `encoder` encoded before; texts found there are not encoded
    again. Use one directory per encoder.

    Raises:
        ValueError: there are not exactly `count` texts.
        StorageFailed: the disk refused.
    """
    with storage_errors(out):
        cache.mkdir(parents=True, exist_ok=True)
        vectors = _create(out, count, encoder.dimensions)
        run = _Run(encoder, VectorCache(cache, encoder.dimensions), vectors, progress)
        source = iter(texts)
        read = 0
        while block := list(islice(source, CHUNK)):
            if read + len(block) > count:
                raise ValueError(f"more than the {count} texts announced")
            run.take(read, block)
            read += len(block)
        if read != count:
            raise ValueError(f"{read} texts came, {count} were announced")
        run.encode_waiting()
        vectors.flush()
        return vectors


class _Run:
    """One pass over the texts: known ones are copied, unknown ones wait for a full chunk."""

    def __init__(
        self, encoder: Encoder, cache: VectorCache, vectors: np.memmap, progress: Progress | None
    ) -> None:
        self._encoder = encoder
        self._cache = cache
        self._vectors = vectors
        self._progress = progress
        self._done = 0
        self._waiting: dict[str, list[int]] = {}

    def take(self, first: int, texts: list[str]) -> None:
        """Handles the texts of the rows from `first` on."""
        known, vectors = self._cache.find(keys_of(texts))
        self._vectors[first + known] = vectors
        self._advance(len(known))
        for row in np.setdiff1d(np.arange(len(texts)), known).tolist():
            self._waiting.setdefault(texts[row], []).append(first + row)
            if len(self._waiting) >= CHUNK:
                self.encode_waiting()

    def encode_waiting(self) -> None:
        """Encodes, caches and stores what waits."""
        texts = list(self._waiting)
        if not texts:
            return
        encoded: HalfVectors = self._encoder.encode(texts).astype(np.float16)
        self._cache.add(keys_of(texts), encoded)
        for vector, rows in zip(encoded, self._waiting.values(), strict=True):
            self._vectors[rows] = vector
        self._advance(sum(map(len, self._waiting.values())))
        self._waiting.clear()

    def _advance(self, texts: int) -> None:
        self._done += texts
        if self._progress is not None and texts:
            self._progress(self._done)


def _create(out: Path, count: int, dimensions: int) -> np.memmap:
    vectors: np.memmap = np.lib.format.open_memmap(
        out, mode="w+", dtype=np.float32, shape=(count, dimensions)
    )
    with out.open("r+b") as file:
        # Reserve the space now: a disk that fills up under a mapping kills the process.
        os.posix_fallocate(file.fileno(), 0, out.stat().st_size)
    return vectors


def sample_queries(texts: Iterable[str], count: int, seed: int = 0) -> Iterator[str]:
    """Query-like texts: two to four successive words of `texts`, one per text, `count` at most."""
    rng = np.random.default_rng(seed)
    for text in islice(texts, count):
        words = text.split()
        if words:
            length = int(rng.integers(2, 5))
            start = int(rng.integers(max(1, len(words) - length + 1)))
            yield " ".join(words[start : start + length])
