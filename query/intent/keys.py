"""Words and phrases as numbers: 32-bit keys in sorted arrays, which are mapped, not loaded.

Two of 300,000 phrases share a key about ten times; a phrase that is in no array is taken for one
that is with probability 1e-4. Both are noise to a model that weighs many signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    if not len(among) or not keys:
        return [-1] * len(keys)
    wanted = np.array(keys, np.uint32)
    places = np.minimum(among.searchsorted(wanted), len(among) - 1)
    found: list[int] = np.where(among[places] == wanted, places, -1).tolist()
    return found


def spans(length: int, longest: int) -> list[tuple[int, int]]:
    """Every stretch of at most `longest` of `length` words, as (start, end), longest first."""
    return [
        (start, start + size)
        for size in range(min(longest, length), 0, -1)
        for start in range(length - size + 1)
    ]


def covered(length: int, found: Iterable[tuple[int, int]]) -> list[bool]:
    """Which words lie in spans that do not overlap, taking those given first before later ones."""
    inside = [False] * length
    for start, end in found:
        if not any(inside[start:end]):
            inside[start:end] = [True] * (end - start)
    return inside


def text_keys(stems: Sequence[str]) -> list[int]:
    """The keys of a text's words and pairs of neighbors, each once."""
    found = list(stems[:MOST_WORDS])
    pairs = pairwise(found)
    return list(dict.fromkeys([key([s]) for s in found] + [key(pair) for pair in pairs]))
