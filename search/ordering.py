"""Rankings put in order: by falling score, ties by rising ordinal.

A product's score and ordinal make one whole number that sorts as they do, so that one plain sort of
numbers is all there is to it; the loops around it are compiled once, with fixed types, and kept on
disk. As a dozen calls of numpy on arrays of a thousand it took three times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from search.types import Ordinals, Ranking, Scores

F = TypeVar("F", bound=Callable[..., Any])
_LAST = 0x7FFFFFFF
"""What sorts behind every score."""


def _array(kind: Any, *, filled: bool = False) -> Any:
    return types.Array(kind, 1, "C", readonly=not filled)


_INTEGERS, _SINGLES, _LONGS = map(_array, (types.int32, types.float32, types.int64))
_OUT_INTEGERS = _array(types.int32, filled=True)
_OUT_SINGLES, _OUT_LONGS = _array(types.float32, filled=True), _array(types.int64, filled=True)


def _kernel(signature: Any) -> Callable[[F], F]:
    """Compiles a function when this module is imported, so that no request waits for it."""
    return cast(Callable[[F], F], njit(signature, nogil=True, cache=True))


def best_first(ordinals: Ordinals, scores: Scores, limit: int) -> Ranking:
    """Orders by falling score, ties by rising ordinal, and keeps the first `limit`."""
    keys = np.empty(len(ordinals), np.int64)
    _write_keys(
        np.ascontiguousarray(ordinals, np.int32), np.ascontiguousarray(scores, np.float32), keys
    )
    return _ranking(keys, limit)


def summed(ordinals: Ordinals, scores: Scores, limit: int) -> Ranking:
    """As `best_first`, of ordinals that may come several times: their scores are added up, as
    float64, in the order they come."""
    singles = np.empty(len(ordinals), np.float32)
    distinct = np.empty(len(ordinals), np.int32)
    count = _add_up(
        np.ascontiguousarray(ordinals, np.int32),
        np.ascontiguousarray(scores, np.float32),
        distinct,
        singles,
    )
    keys = np.empty(count, np.int64)
    _write_keys(distinct[:count], singles[:count], keys)
    return _ranking(keys, limit)


def prefer_every_word(every: Ranking, some: Ranking, bonus: float, limit: int) -> Ranking:
    """Products with every word and products with some, by score; `bonus`, a share of the best
    score, is what having every word is worth."""
    best = max((float(ranking.scores[0]) for ranking in (every, some) if len(ranking)), default=0)
    ordinals, scores = every.ordinals, every.scores + np.float32(bonus * best)
    if len(some):
        new = ~np.isin(some.ordinals, every.ordinals)
        ordinals = np.concatenate([ordinals, some.ordinals[new]])
        scores = np.concatenate([scores, some.scores[new]])
    return best_first(ordinals, scores, limit)


def _ranking(keys: NDArray[np.int64], limit: int) -> Ranking:
    keys.sort()
    keys = keys[:limit]
    ordinals, scores = np.empty(len(keys), np.int32), np.empty(len(keys), np.float32)
    _read_keys(keys, ordinals, scores)
    return Ranking(ordinals, scores)


@_kernel(types.void(_INTEGERS, _SINGLES, _OUT_LONGS))
def _write_keys(
    ordinals: NDArray[np.int32], scores: NDArray[np.float32], keys: NDArray[np.int64]
) -> None:
    """The upper half of a key sorts as the negated score, the lower as the ordinal."""
    negated = np.empty(len(scores), np.float32)
    bits = negated.view(np.int32)
    for i in range(len(scores)):
        negated[i] = np.float32(0) - scores[i]  # one zero, not two
        half = np.int64(bits[i])
        if half < 0:
            half ^= _LAST  # as numbers below zero, more bits are more
        if scores[i] != scores[i]:
            half = np.int64(_LAST)
        keys[i] = half << 32 | np.int64(ordinals[i])


@_kernel(types.void(_LONGS, _OUT_INTEGERS, _OUT_SINGLES))
def _read_keys(
    keys: NDArray[np.int64], ordinals: NDArray[np.int32], scores: NDArray[np.float32]
) -> None:
    bits = scores.view(np.int32)
    for i in range(len(keys)):
        half = keys[i] >> 32
        bits[i] = half ^ _LAST if half < 0 else half
        scores[i] = np.float32(0) - scores[i]
        ordinals[i] = keys[i] & 0xFFFFFFFF


@_kernel(types.int64(_INTEGERS, _SINGLES, _OUT_INTEGERS, _OUT_SINGLES))
def _add_up(
    ordinals: NDArray[np.int32],
    scores: NDArray[np.float32],
    distinct: NDArray[np.int32],
    sums: NDArray[np.float32],
) -> int:
    """How many ordinals differ, and for each the sum of its scores; a hash table of twice as many
    places finds those that came before."""
    size = 16
    while size < 2 * len(ordinals):
        size *= 2
    places, totals = np.full(size, -1, np.int32), np.empty(len(ordinals), np.float64)
    count = 0
    for i in range(len(ordinals)):
        ordinal = ordinals[i]
        at = (np.int64(ordinal) * 2654435761 >> 8) & (size - 1)
        while places[at] >= 0 and distinct[places[at]] != ordinal:
            at = (at + 1) & (size - 1)
        if places[at] < 0:
            places[at], distinct[count], totals[count] = count, ordinal, 0.0
            count += 1
        totals[places[at]] += scores[i]
    for i in range(count):
        sums[i] = totals[i]
    return count
