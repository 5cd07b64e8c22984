"""What products measure, as sorted keys: a dimension and a number in one unsigned integer.

The upper 32 bits tell the dimension, the lower 32 the number as float32, so that all numbers of a
dimension are neighbors in ascending order. tantivy indexes the same keys, so both sides filter
alike, whatever dimensions there are.
"""

from __future__ import annotations

import math
import struct
import zlib
from array import array
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import gather, load
from search.engines.local.layout import stamp
from search.types import Mask, Ordinals

Measures = Mapping[str, tuple[float, ...]]
"""Numbers by dimension (`length`), in the dimension's base unit."""
_SINGLE, _UNSIGNED = struct.Struct(">f"), struct.Struct(">I")
_SIGN = 1 << 31
_ALL = (1 << 32) - 1


def measure_key(dimension: str, number: float) -> int:
    """The key of a number, rounded to float32; keys of one dimension sort as their numbers do."""
    try:
        packed = _SINGLE.pack(number + 0.0)
    except OverflowError:
        packed = _SINGLE.pack(math.copysign(math.inf, number))
    bits: int = _UNSIGNED.unpack(packed)[0]
    return zlib.crc32(dimension.encode()) << 32 | bits ^ (_ALL if bits & _SIGN else _SIGN)


def measure_keys(measures: Measures) -> list[int]:
    """The distinct keys of a product's measures; what is not a number has none."""
    found = (measure_key(name, n) for name, numbers in measures.items() for n in numbers if n == n)
    return list(dict.fromkeys(found))


class MeasuresWriter:
    """Collects the measures of a snapshot; 12 bytes each until `finish`, and 8 a product."""

    def __init__(self) -> None:
        self._keys, self._ordinals, self._ends = array("Q"), array("i"), array("q", [0])

    def add(self, ordinal: int, measures: Measures) -> None:
        """Notes what the next ordinal measures."""
        keys = measure_keys(measures)
        self._keys.extend(keys)
        self._ordinals.extend([ordinal] * len(keys))
        self._ends.append(len(self._keys))

    def finish(self, directory: Path, version: str) -> None:
        """Writes everything into `directory`, which must not exist."""
        directory.mkdir(parents=True)
        keys = np.frombuffer(self._keys, np.uint64)
        order = np.argsort(keys, kind="stable")
        np.save(directory / "keys.npy", keys[order])
        np.save(directory / "rows.npy", keys)
        np.save(directory / "offsets.npy", np.frombuffer(self._ends, np.int64))
        np.save(directory / "ordinals.npy", np.frombuffer(self._ordinals, np.int32)[order])
        stamp(directory, version)


class MeasureStore:
    """What a snapshot's own products measure: all keys in order, and each product's."""

    def __init__(self, directory: Path) -> None:
        self._keys: NDArray[np.uint64] = load(directory / "keys.npy")
        self._ordinals: NDArray[np.int32] = load(directory / "ordinals.npy")
        self._rows: NDArray[np.uint64] = load(directory / "rows.npy")
        self._offsets: NDArray[np.int64] = load(directory / "offsets.npy")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def between(self, low: int, high: int) -> Ordinals:
        """The ordinals that have a key within bounds, both inclusive; with repetitions."""
        first = np.searchsorted(self._keys, np.uint64(low), "left")
        last = np.searchsorted(self._keys, np.uint64(high), "right")
        return self._ordinals[first:last]

    def measuring(self, low: int, high: int, rows: Ordinals) -> Mask:
        """Which of some ordinals, each less than `len(self)`, have a key within bounds, both
        inclusive."""
        keys, owners = gather(self._rows, self._offsets, rows)
        found = np.zeros(len(rows), np.bool_)
        found[owners[(keys >= np.uint64(low)) & (keys <= np.uint64(high))]] = True
        return found
