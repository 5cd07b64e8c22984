"""Words and phrases as numbers: 32-bit keys in sorted arrays, which are mapped, not loaded.

Two of 300,000 phrases share a key about ten times; a phrase that is in no array is taken for one
that is with probability 1e-4. Both are noise to a model that weighs many signs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint32]
"""Keys of phrases, uint32, sorted, unique, shape (phrases,)."""


MOST_WORDS = 64
"""Words of a text that are looked at."""


def key(stems: Sequence[str]) -> int:
    """The key of a phrase, given the stems of its words."""
    return crc32(" ".join(stems).encode())


def sorted_keys(keys: Iterable[int]) -> Keys:
    """An array to look keys up in."""
    return np.unique(np.fromiter(keys, np.uint32))


def find(among: Keys, keys: Sequence[int]) -> list[int]:
    """The place of each key in a sorted array, -1 for those that are not in it."""
    known, size = among.data, len(among)
    places = ((bisect_left(known, each), each) for each in keys)
    return [place if place < size and known[place] == each else -1 for place, each in places]


@lru_cache(MOST_WORDS)
def spans(length: int, longest: int) -> tuple[tuple[int, int], ...]:
    """Every stretch of at most `longest` of `length` words, as (start, end), longest first."""
    return tuple(
        (start, start + size)
        for size in range(min(longest, length), 0, -1)
        for start in range(length - size + 1)
    )


@lru_cache(MOST_WORDS)
def span_masks(length: int, longest: int) -> tuple[int, ...]:
    """The words of each of `spans` as a mask: bit i is the i-th word."""
    return tuple((1 << end) - (1 << start) for start, end in spans(length, longest))


def covered(found: Iterable[int]) -> int:
    """The words in stretches that do not overlap, all as masks, taking those given first before
    later ones."""
    inside = 0
    for each in found:
        if not inside & each:
            inside |= each
    return inside


def text_keys(stems: Sequence[str]) -> list[int]:
    """The keys of a text's words and pairs of neighbors, each once."""
    found = list(stems[:MOST_WORDS])
    pairs = pairwise(found)
    return list(dict.fromkeys([key([s]) for s in found] + [key(pair) for pair in pairs]))
