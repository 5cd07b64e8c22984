"""Which words stand beside each other: bigrams and looser company, in one mapped table.

Counted over families of words (`kettle` and `kettles` are one), in titles, categories, brands and
logged queries. Counts are kept as 8-bit logarithms: what matters is whether words meet never, a few
times, or often.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from query.spelling import buckets
from query.spelling.vocabulary import Vocabulary

WINDOW = 12
"""Words further apart in a line are no company."""
MOST_PAIRS = 3_000_000
_STEPS = 16.0
_COUNTS = tuple(math.expm1(step / _STEPS) for step in range(256))
_ID_BITS = 20
_VALUE_BITS = 24


@dataclass(frozen=True, slots=True)
class Company:
    """How often one word stood right before another, and near it in either order."""

    before: float = 0.0
    near: float = 0.0


NONE = Company()


@dataclass(frozen=True, slots=True)
class Pairs:
    """The table of pairs, and `seen`: how often each family occurs in the counted lines."""

    table: buckets.Buckets
    seen: memoryview

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Maps what `write_pairs` wrote."""
        return cls(buckets.Buckets.open(directory, "pairs"), buckets.mapped(directory / "seen.npy"))

    def company(self, first: int, second: int) -> Company:
        """How often family `first` comes right before and near family `second`."""
        low, high = (first, second) if first <= second else (second, first)
        key = low << _ID_BITS | high
        for entry in self.table.near(buckets.hash_one(key)):
            if entry >> _VALUE_BITS == key:
                shift = 16 if first <= second else 8
                return Company(_COUNTS[entry >> shift & 255], _COUNTS[entry & 255])
        return NONE


def write_pairs(
    directory: Path, vocabulary: Vocabulary, lines: Iterable[tuple[list[str], float]]
) -> Pairs:
    """Counts pairs in `lines` (words and what the line counts for), keeps the most frequent, and
    opens the result."""
    families, weights, places = _flat(vocabulary, lines)
    seen = np.bincount(families[families >= 0], weights[families >= 0], len(vocabulary.trie))
    np.save(directory / "seen.npy", seen.astype(np.float32))
    keys, near = _near(families, weights, places)
    if len(keys) > MOST_PAIRS:
        best = np.sort(np.argpartition(near, -MOST_PAIRS)[-MOST_PAIRS:])
        keys, near = keys[best], near[best]
    forward, backward = _adjacent(families, weights, places, keys)
    values = _steps(forward) << np.uint64(16) | _steps(backward) << np.uint64(8) | _steps(near)
    entries = keys << np.uint64(_VALUE_BITS) | values
    buckets.write(directory, "pairs", buckets.hash_many(keys), entries)
    return Pairs.open(directory)


def _flat(
    vocabulary: Vocabulary, lines: Iterable[tuple[list[str], float]]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """All words in a row: their family (-1 unknown), weight, and number of line."""
    families, weights, lengths = [], [], []
    known: dict[str, int] = {}
    for line, weight in lines:
        for word in line:
            if word not in known:
                found = vocabulary.id(word)
                known[word] = vocabulary.families[found] if found >= 0 else -1
            families.append(known[word])
        weights.append(weight)
        lengths.append(len(line))
    return (
        np.array(families, np.int64),
        np.repeat(np.array(weights, np.float64), lengths),
        np.repeat(np.arange(len(lengths)), lengths),
    )


def _at_distance(
    families: NDArray[np.int64], places: NDArray[np.int64], distance: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Pairs of families that far apart in one line, and which of them count."""
    first, second = families[:-distance], families[distance:]
    same_line = places[:-distance] == places[distance:]
    return first, second, same_line & (first >= 0) & (second >= 0) & (first != second)


def _near(
    families: NDArray[np.int64], weights: NDArray[np.float64], places: NDArray[np.int64]
) -> tuple[buckets.Keys, NDArray[np.float64]]:
    keys: buckets.Keys = np.empty(0, np.uint64)
    totals: NDArray[np.float64] = np.empty(0, np.float64)
    for distance in range(1, WINDOW + 1):
        if distance >= len(families):
            break
        first, second, kept = _at_distance(families, places, distance)
        some = _keys(first[kept], second[kept])
        merged = np.concatenate([keys, some])
        summed = np.concatenate([totals, weights[distance:][kept]])
        keys, inverse = np.unique(merged, return_inverse=True)
        totals = np.bincount(inverse, summed, len(keys)).astype(np.float64)
    return keys, totals


def _adjacent(
    families: NDArray[np.int64],
    weights: NDArray[np.float64],
    places: NDArray[np.int64],
    keys: buckets.Keys,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each pair, how often the lower id comes right before the higher, and the reverse."""
    both = np.zeros((2, len(keys)))
    if len(families) < 2 or not len(keys):
        return both[0], both[1]
    first, second, kept = _at_distance(families, places, 1)
    first, second, weight = first[kept], second[kept], weights[1:][kept]
    wanted = _keys(first, second)
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    for direction, chosen in enumerate((first <= second, first > second)):
        exact = chosen & (keys[rows] == wanted)
        both[direction] = np.bincount(rows[exact], weight[exact], len(keys))
    return both[0], both[1]


def _keys(first: NDArray[np.int64], second: NDArray[np.int64]) -> buckets.Keys:
    low, high = np.minimum(first, second), np.maximum(first, second)
    keys: buckets.Keys = (low << _ID_BITS | high).astype(np.uint64)
    return keys


def _steps(counts: NDArray[np.float64]) -> buckets.Keys:
    steps: buckets.Keys = np.clip(np.rint(_STEPS * np.log1p(counts)), 0, 255).astype(np.uint64)
    return steps
