"""A hash table of whole numbers in two mapped arrays: nothing is read until it is asked for.

Keys fall into buckets by the top bits of a multiplicative hash (Knuth, The Art of Computer
Programming 3, 6.4); the entries of one bucket lie side by side. Building is a sort; looking up
reads two offsets and the few entries between them. A dict of the same holds ten times the memory
and takes seconds to load.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

MULTIPLIER = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1

Keys = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Buckets:
    """`entries[offsets[b]:offsets[b + 1]]` are those of bucket `b`; `shift` turns a hash into a
    bucket."""

    offsets: memoryview
    entries: memoryview
    shift: int

    @classmethod
    def open(cls, directory: Path, name: str) -> Self:
        """Maps what `write` wrote."""
        offsets = mapped(directory / f"{name}.offsets.npy")
        entries = mapped(directory / f"{name}.entries.npy")
        return cls(offsets, entries, 64 - (len(offsets) - 2).bit_length())

    def near(self, hashed: int) -> memoryview:
        """The entries in the bucket of a hash, those of other keys in it included."""
        bucket = hashed >> self.shift
        return self.entries[self.offsets[bucket] : self.offsets[bucket + 1]]


def hash_one(key: int) -> int:
    """The hash of one key, 64 bits."""
    return key * MULTIPLIER & _MASK


def hash_many(keys: Keys) -> Keys:
    """The hashes of many keys; agrees with `hash_one`."""
    return keys * np.uint64(MULTIPLIER)


def write(directory: Path, name: str, hashes: Keys, entries: NDArray[np.unsignedinteger]) -> None:
    """Writes `entries`, each in the bucket of the hash beside it, two or so to a bucket."""
    bits = max(1, int(len(hashes) // 2).bit_length())
    buckets = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    order = np.argsort(buckets, kind="stable")
    counts = np.bincount(buckets, minlength=1 << bits)
    offsets = np.zeros((1 << bits) + 1, np.uint32)
    np.cumsum(counts, out=offsets[1:])
    np.save(directory / f"{name}.offsets.npy", offsets)
    np.save(directory / f"{name}.entries.npy", entries[order])


def mapped(path: Path) -> memoryview:
    """A one-dimensional .npy file, mapped: items are read as plain numbers, faster than numpy's."""
    array: NDArray[np.generic] = np.load(path, mmap_mode="r")
    return array.data if len(array) else np.empty(0, array.dtype).data
