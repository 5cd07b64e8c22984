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
from functools import cache, lru_cache
from random import Random

import numba
import numpy as np
from numpy.typing import NDArray

from eval.interleaving.linear_program import best_mixture
from eval.interleaving.lists import Draft, check, interleaved
from eval.interleaving.seams import NOBODY, Interleaved, Items

Amounts = NDArray[np.float64]
Codes = NDArray[np.int64]
Places = tuple[tuple[int, ...], tuple[int, ...]]
Ranks = tuple[tuple[int, int], ...]

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
            for item, team in _drawn(draft, random.random()):
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


def _drawn(draft: Draft, lot: float) -> list[tuple[int, int]]:
    """The items of one list drawn by `lot`, from 0 to 1, with whom a click on each favors."""
    items, places, ranks = _window(draft)
    lists, chances = _solve(places, ranks)
    # Sums of the same few numbers in the same order: the same list everywhere.
    number = 0
    while number < len(lists) - 1 and lot >= chances[number]:
        lot -= chances[number]
        number += 1
    return [(items[code], _favored(ranks[code])) for code in lists[number]]


def _favored(ranks: tuple[int, int]) -> int:
    one, other = ranks
    if one == other:
        return NOBODY
    return 0 if one and (one < other or not other) else 1


def _window(draft: Draft) -> tuple[list[int], Places, Ranks]:
    """The items of both rankings' next places, numbered as they come, which of them stands in each
    of these, and their ranks in both."""
    depth = min(DEPTH, *(len(items) - draft.same for items in draft.lists))
    heads = [items[draft.same : draft.same + depth] for items in draft.lists]
    items = list(dict.fromkeys(heads[0] + heads[1]))
    code = dict(zip(items, range(len(items)), strict=True))
    one, other = (dict(zip(each, range(1, len(each) + 1), strict=True)) for each in draft.lists)
    places = tuple([code[item] for item in heads[0]]), tuple([code[item] for item in heads[1]])
    return items, places, tuple([(one.get(item, 0), other.get(item, 0)) for item in items])


@lru_cache(maxsize=4096)
def _solve(places: Places, ranks: Ranks) -> tuple[tuple[tuple[int, ...], ...], tuple[float, ...]]:
    """The lists that may be shown, as codes of items, and their probabilities. Where no mixture is
    fair down to the last place, down to fewer: the first can always be made fair."""
    worth = inverse(np.array(ranks, np.int32))
    for size in range(len(places[0]), 0, -1):
        lists = _all_lists(places, size)
        credit = (worth[:, 0] - worth[:, 1])[lists]
        mixture = best_mixture(_information(credit), credit)
        if mixture is not None:
            used = np.flatnonzero(mixture > 0)
            return tuple(map(tuple, lists[:, used].T.tolist())), tuple(mixture[used].tolist())
    raise AssertionError("one place can always be made fair")


def _all_lists(places: Places, size: int) -> Codes:
    """Every list of `size` items that takes each from the top of what either ranking
    has left, each once: int64 of shape (size, lists)."""
    lists, taken = np.empty((size, 1 << size), np.int64), np.zeros(1 << size, np.int64)
    return lists[:, : _fill(np.array(places, np.int64), taken, lists)]


@numba.njit("int64(int64[:, ::1], int64[::1], int64[:, ::1])", nogil=True, cache=True)
def _fill(places: Codes, taken: Codes, lists: Codes) -> int:
    """Fills `lists` and says how many there are; `taken` are the items of each, as bits: there are
    at most `2 * DEPTH`."""
    found = 1
    for place in range(len(lists)):
        more = found
        for number in range(found):
            first, second = 0, 0
            while taken[number] >> places[0, first] & 1:
                first += 1
            while taken[number] >> places[1, second] & 1:
                second += 1
            one, other = places[0, first], places[1, second]
            if one != other:
                lists[:place, more] = lists[:place, number]
                lists[place, more] = other
                taken[more] = taken[number] | 1 << other
                more += 1
            lists[place, number] = one
            taken[number] |= 1 << one
        found = more
    return found


def _information(credit: Amounts) -> Amounts:
    """What each list tells, of the credit of its places (places, lists): float64 (lists,). That
    depends on who earns something at each place, not on how much."""
    size = len(credit)
    signs = (3.0 ** np.arange(size)) @ (np.sign(credit) + 1)  # whole numbers: exact in any order
    return np.asarray(_information_by_signs(size)[signs.astype(np.int64)], np.float64)


@cache
def _information_by_signs(size: int) -> Amounts:
    """What a list tells, by the signs of its places' credit as the digits of a number to the base
    3, the first place last: float64 of shape (3**size,)."""
    signs = np.arange(3**size)[:, None] // 3 ** np.arange(size) % 3 - 1
    click = 1 / np.arange(1, size + 1)
    click = click / click.sum()
    wins, losses = (signs > 0) @ click, (signs < 0) @ click
    decided = wins + losses
    share = np.divide(wins, decided, out=np.ones_like(wins), where=decided > 0)
    inside = (share > 0) & (share < 1)
    inner = np.where(inside, share, 0.5)
    entropy = -(inner * np.log2(inner) + (1 - inner) * np.log2(1 - inner))
    return np.asarray(np.round(np.where(inside, entropy * decided, 0.0), 9), np.float64)
