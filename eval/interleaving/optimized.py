"""Optimized interleaving (Radlinski and Craswell, WSDM 2013).

All lists are considered that take each place from the top of what either ranking has left. They are
drawn with the probabilities that tell most, among those for which the expected credit of every
place is 0: a linear program. Credit is the difference of inverse ranks. What a list tells is the
entropy of who wins by one click that falls on place i with a probability proportional to 1/i, times
the chance that anybody does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.linear_program import best_mixture
from eval.interleaving.lists import Draft, check, interleaved
from eval.interleaving.seams import NOBODY, Interleaved, Items

Amounts = NDArray[np.float64]
Codes = NDArray[np.int64]

DEPTH = 10
"""Places that are optimized: at most 2**10 lists."""


@dataclass(frozen=True, slots=True)
class Optimized:
    """See `Interleaver`. What stands below the first `DEPTH` places after those that the rankings
    have in common, or below the length of the shorter one, is drafted in turn and nobody's."""

    name: str = "optimized"
    most: int | None = 2

    def __call__(self, rankings: Sequence[Items], random: Random, length: int) -> Interleaved:
        """See `Interleaver`."""
        check(self.name, self.most, rankings)
        draft = Draft(rankings, length)
        if not draft.is_full and min(map(len, rankings)) > draft.same:
            for item, team in _drawn(rankings, draft.same, random.random()):
                draft.take(item, team)
        draft.finish(random)
        return interleaved(rankings, draft)

    def credit(self, shown: Interleaved, clicks: Amounts) -> Amounts:
        """The sum of the inverse ranks of what was clicked, 0 where it is not in a ranking."""
        counted = clicks * (shown.teams != NOBODY)
        return np.asarray(counted @ inverse(shown.ranks), np.float64)


def inverse(ranks: NDArray[np.int32]) -> Amounts:
    """1 / rank, 0 for what is not ranked."""
    return np.divide(1.0, ranks, out=np.zeros(ranks.shape), where=ranks > 0)


def _drawn(rankings: Sequence[Items], same: int, lot: float) -> list[tuple[int, int]]:
    """The items of one list drawn by `lot`, from 0 to 1, with whom a click on each favors."""
    items, places, ranks = _window(rankings, same)
    lists, chances = _solve(places.tobytes(), ranks.tobytes(), places.shape[1])
    # Sums of the same few numbers in the same order: the same list everywhere.
    number = 0
    while number < len(lists) - 1 and lot >= chances[number]:
        lot -= chances[number]
        number += 1
    worth = inverse(ranks)
    favored = np.where(worth[0] == worth[1], NOBODY, np.where(worth[0] > worth[1], 0, 1))
    return [(int(items[code]), int(favored[code])) for code in lists[number]]


def _window(
    rankings: Sequence[Items], same: int
) -> tuple[NDArray[np.int32], NDArray[np.int16], NDArray[np.int32]]:
    """The items of both rankings' next places, which of them stands in each of these (rankings,
    depth), and their ranks in both (rankings, items)."""
    depth = min(DEPTH, *(len(ranking) - same for ranking in rankings))
    heads = np.stack([ranking[same : same + depth] for ranking in rankings])
    items, places = np.unique(heads, return_inverse=True)
    ranks = np.zeros((len(rankings), len(items)), np.int32)
    for number, ranking in enumerate(rankings):
        found = ranking[:, None] == items
        ranks[number] = np.where(found.any(axis=0), found.argmax(axis=0) + 1, 0)
    return items, places.reshape(heads.shape).astype(np.int16), ranks


@lru_cache(maxsize=4096)
def _solve(
    places: bytes, ranks: bytes, depth: int
) -> tuple[tuple[tuple[int, ...], ...], tuple[float, ...]]:
    """The lists that may be shown, as codes of items, and their probabilities. Where no mixture is
    fair down to `depth`, down to fewer places: the first can always be made fair."""
    order = np.frombuffer(places, np.int16).reshape(2, depth).astype(np.int64)
    worth = inverse(np.frombuffer(ranks, np.int32).reshape(2, -1))
    for size in range(depth, 0, -1):
        lists = _all_lists(order, size)
        credit = (worth[0] - worth[1])[lists]
        mixture = best_mixture(_information(credit), np.ascontiguousarray(credit.T))
        if mixture is not None:
            used = np.flatnonzero(mixture > 0)
            return tuple(map(tuple, lists[used].tolist())), tuple(mixture[used].tolist())
    raise AssertionError("one place can always be made fair")


def _all_lists(order: Codes, size: int) -> Codes:
    """Every list of `size` items that takes each from the top of what either order has left, each
    once: int64 of shape (lists, size)."""
    shown = np.zeros((1, int(order.max()) + 1), np.bool_)
    lists = np.empty((1, 0), np.int64)
    for _ in range(size):
        rows = np.arange(len(lists))
        first, second = (ranking[np.argmin(shown[:, ranking], axis=1)] for ranking in order)
        two = first != second
        rows = np.r_[rows, rows[two]]
        added = np.r_[first, second[two]]
        lists = np.column_stack([lists[rows], added])
        shown = shown[rows]
        shown[np.arange(len(rows)), added] = True
    return lists


def _information(credit: Amounts) -> Amounts:
    """What each list tells, of the credit of its places (lists, places): float64 (lists,)."""
    click = 1 / np.arange(1, credit.shape[1] + 1)
    click = click / click.sum()
    wins, losses = (credit > 0) @ click, (credit < 0) @ click
    decided = wins + losses
    share = np.divide(wins, decided, out=np.ones_like(wins), where=decided > 0)
    inside = (share > 0) & (share < 1)
    inner = np.where(inside, share, 0.5)
    entropy = -(inner * np.log2(inner) + (1 - inner) * np.log2(1 - inner))
    return np.asarray(np.round(np.where(inside, entropy * decided, 0.0), 9), np.float64)
