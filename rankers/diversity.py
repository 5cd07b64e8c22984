"""Variety among the first hits: maximal marginal relevance, and caps.

Carbonell and Goldstein, "The Use of MMR, Diversity-Based Reranking" (SIGIR 1998): each next hit is
the one that is relevant and unlike those already chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from search.types import Ranking, Vectors

F = TypeVar("F", bound=Callable[..., Any])
_BELOW = np.float32(-3.0e38)


def _array(kind: Any, dimensions: int = 1) -> Any:
    return types.Array(kind, dimensions, "C", readonly=True)


def _helper(*, fast: bool = False) -> Callable[[F], F]:
    """Compiled into `_choose`, with which it is kept on disk."""
    return cast(Callable[[F], F], njit(cache=True, nogil=True, fastmath=fast))


def _kernel(signature: Any) -> Callable[[F], F]:
    """Compiles a function when this module is imported, so that no request waits for it."""
    return cast(Callable[[F], F], njit(signature, nogil=True, cache=True))


def diversify(
    ranking: Ranking,
    vectors: Vectors | None,
    groups: NDArray[np.int32],
    caps: Sequence[int],
    strength: float,
    *,
    first: int = 50,
    within: int = 10,
) -> Ranking:
    """The same documents, the `first` of them chosen one by one.

    The next is the one with the highest (1 - strength) * relevance - strength * similarity, where
    relevance is the score scaled to 0 to 1 over the ranking and similarity the largest inner
    product with one chosen before. Among the first `within`, at most `caps[c]` share a value of
    column c of `groups` (int32 of shape (len(ranking), len(caps)), -1 where unknown, which never
    counts), as far as there are others. `vectors` are unit, float32 of shape (len(ranking),
    dimensions); without them only the caps count. Each place keeps the score it had.
    """
    if len(ranking) < 2 or not (strength > 0 or len(caps)):
        return ranking
    if vectors is None:
        vectors, strength = np.empty((len(ranking), 0), np.float32), 0.0
    order = _choose(
        _scaled(ranking.scores),
        np.ascontiguousarray(vectors, np.float32),
        np.ascontiguousarray(groups, np.int32),
        np.asarray(caps, np.int32),
        np.float32(strength),
        min(first, len(ranking)),
        within,
    )
    return Ranking(ranking.ordinals[order], ranking.scores)


def _scaled(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores from 0 to 1; where all are the same, by their places."""
    low, high = float(scores.min()), float(scores.max())
    if high <= low:
        return np.linspace(1, 0, len(scores), dtype=np.float32)
    return np.ascontiguousarray((scores - low) / np.float32(high - low), np.float32)


@_helper(fast=True)
def _inner(left: NDArray[np.float32], right: NDArray[np.float32]) -> np.float32:
    total = np.float32(0.0)
    for d in range(left.shape[0]):
        total += left[d] * right[d]
    return total


@_helper()
def _fits(
    row: int,
    chosen: NDArray[np.int64],
    count: int,
    groups: NDArray[np.int32],
    caps: NDArray[np.int32],
) -> bool:
    """Whether no cap is reached by those chosen."""
    for c in range(caps.shape[0]):
        value = groups[row, c]
        if value < 0:
            continue
        same = 0
        for k in range(count):
            if groups[chosen[k], c] == value:
                same += 1
        if same >= caps[c]:
            return False
    return True


@_helper()
def _highest(
    value: NDArray[np.float32], done: NDArray[np.bool_], blocked: NDArray[np.bool_]
) -> int:
    """The first of the highest rows that are left, -1 when none is."""
    top, top_value = -1, _BELOW
    for row in range(value.shape[0]):
        if not done[row] and not blocked[row] and value[row] > top_value:
            top, top_value = row, value[row]
    return top


@_kernel(
    types.int64[::1](
        _array(types.float32),
        _array(types.float32, 2),
        _array(types.int32, 2),
        _array(types.int32),
        types.float32,
        types.int64,
        types.int64,
    )
)
def _choose(
    relevance: NDArray[np.float32],
    vectors: NDArray[np.float32],
    groups: NDArray[np.int32],
    caps: NDArray[np.int32],
    strength: np.float32,
    first: int,
    within: int,
) -> NDArray[np.int64]:
    """The order, as places in the ranking.

    A value can only fall as more are chosen, so a row is compared with those chosen since it was
    last looked at, and only while it might still be the best: the same result as comparing all
    with all (Minoux 1978, lazy greedy), in a fraction of the products.
    """
    size = relevance.shape[0]
    order = np.empty(size, np.int64)
    nearest = np.full(size, np.float32(-1.0))
    compared = np.zeros(size, np.int64)
    value = (np.float32(1.0) - strength) * relevance + strength  # an upper bound
    done = np.zeros(size, np.bool_)
    for count in range(first):
        capped = caps.shape[0] > 0 and count < within
        blocked = np.zeros(size, np.bool_)
        best = -1
        while best < 0:
            top = _highest(value, done, blocked)
            if top < 0:  # every one left would break a cap
                capped = False
                blocked[:] = False
                continue
            if capped and not _fits(top, order, count, groups, caps):
                blocked[top] = True
                continue
            if strength > 0 and compared[top] < count:
                for k in range(compared[top], count):
                    near = _inner(vectors[top], vectors[order[k]])
                    nearest[top] = max(nearest[top], near)
                compared[top] = count
                value[top] = (np.float32(1.0) - strength) * relevance[top] - strength * nearest[top]
                continue
            best = top
        order[count] = best
        done[best] = True
    place = first
    for row in range(size):
        if not done[row]:
            order[place] = row
            place += 1
    return order
