"""The loops over words and categories, compiled once with fixed types and kept on disk. As calls of
numpy on arrays this small they took several times as long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])
_HALF_TO_SINGLE = np.float32(2.0**112)
"""What the bits of a half-precision number, moved to the places of a single's, fall short by: their
exponents are biased by 15 and 127."""


def _array(kind: Any, *, filled: bool = False) -> Any:
    return types.Array(kind, 1, "C", readonly=not filled)


_SINGLES, _DOUBLES = _array(types.float32, filled=True), _array(types.float64, filled=True)
_LONGS, _PLACES = _array(types.int64), _array(types.int64, filled=True)


def _kernel(signature: Any) -> Callable[[F], F]:
    """Compiles a function when this module is imported, so that no request waits for it."""
    return cast(Callable[[F], F], njit(signature, nogil=True, cache=True))


@_kernel(
    types.int64(
        _array(types.uint32), _array(types.int32), _array(types.uint16), _array(types.uint16),
        _array(types.uint32), _SINGLES,
    )
)  # fmt: skip
def add_weights(
    words: NDArray[np.uint32],
    starts: NDArray[np.int32],
    classes: NDArray[np.uint16],
    weights: NDArray[np.uint16],
    keys: NDArray[np.uint32],
    scores: NDArray[np.float32],
) -> int:
    """Adds the rows of some keys to the scores of classes, in the order of the keys, and returns
    how many keys have none. Row i, of the word `words[i]`, is `starts[i]` to `starts[i + 1]` of
    `classes` and `weights`, which are the bits of half-precision numbers; `words` ascends."""
    unknown = 0
    bits = np.empty(1, np.uint32)
    single = bits.view(np.float32)
    for key in keys:
        low, high = 0, len(words)
        while low < high:
            middle = (low + high) >> 1
            if words[middle] < key:
                low = middle + 1
            else:
                high = middle
        if low == len(words) or words[low] != key:
            unknown += 1
            continue
        for i in range(starts[low], starts[low + 1]):
            half = np.uint32(weights[i])
            sign = (half & np.uint32(0x8000)) << np.uint32(16)
            bits[0] = sign | ((half & np.uint32(0x7FFF)) << np.uint32(13))
            scores[classes[i]] += single[0] * _HALF_TO_SINGLE
    return unknown


@_kernel(
    cast(Any, types).UniTuple(types.int64, 2)(
        _DOUBLES, _LONGS, _LONGS, _LONGS, _LONGS, _array(types.bool_), types.float64,
        types.float64, _DOUBLES, _PLACES,
    )
)  # fmt: skip
def deepest(
    probabilities: NDArray[np.float64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    depths: NDArray[np.int64],
    parents: NDArray[np.int64],
    reportable: NDArray[np.bool_],
    sure: float,
    least: float,
    chances: NDArray[np.float64],
    below: NDArray[np.int64],
) -> tuple[int, int]:
    """`query.intent.tree.Tree.chances` and `deepest` in one: fills `chances` and returns the
    deepest sure node, -1 without; and how many of its children have the `least` chance, whose
    places are filled into `below`."""
    sums = np.empty(len(probabilities) + 1, np.float64)
    sums[0] = 0
    for leaf in range(len(probabilities)):
        sums[leaf + 1] = sums[leaf] + probabilities[leaf]
    best, most, count = -1, 0.0, 0
    for node in range(len(starts)):
        chance = min(1.0, sums[ends[node]] - sums[starts[node]])
        chances[node] = chance
        if reportable[node] and chance >= sure and depths[node] + chance / 2 > most:
            best, most = node, depths[node] + chance / 2
    for node in range(len(starts)):
        if best >= 0 and parents[node] == best and chances[node] >= least:
            below[count] = node
            count += 1
    return best, count
