"""What every method of interleaving does with lists: check, share, draw from, finish, look up."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.seams import NOBODY, Interleaved, Items
from search.errors import BadInput


def check(name: str, most: int | None, rankings: Sequence[Items]) -> None:
    """Refuses what cannot be interleaved.

    Raises:
        BadInput: fewer than two rankings, or more than the method can compare.
    """
    if len(rankings) < 2:
        raise BadInput(f"{name} compares two rankings or more, not {len(rankings)}")
    if most is not None and len(rankings) > most:
        raise BadInput(
            f"{name} compares at most {most} rankings, not {len(rankings)}; use team-draft, "
            "probabilistic or preference"
        )


def shared_prefix(lists: Sequence[Sequence[int]]) -> int:
    """How many places from the top are the same in all lists."""
    for place, items in enumerate(zip(*lists, strict=False)):
        if len(set(items)) > 1:
            return place
    return min(map(len, lists))


class Draft:
    """Rankings being drawn from: `items` is what is shown so far, `teams` who each stands for.
    What all rankings have in common at the top is shown already, for nobody."""

    def __init__(self, rankings: Sequence[Items], length: int) -> None:
        self.lists = [ranking.tolist() for ranking in rankings]
        self.length = length
        self.same = min(shared_prefix(self.lists), length)
        self.items: list[int] = self.lists[0][: self.same]
        self.teams = [NOBODY] * self.same
        self.shown = set(self.items)
        self._at = [self.same] * len(rankings)
        self._ended: list[int | None] = [None] * len(rankings)

    @property
    def is_full(self) -> bool:
        """Whether as much is shown as was asked for."""
        return len(self.items) >= self.length

    def head(self, ranking: int) -> int | None:
        """The best item of a ranking that is not shown; None at its end."""
        items, at = self.lists[ranking], self._at[ranking]
        while at < len(items) and items[at] in self.shown:
            at += 1
        self._at[ranking] = at
        return items[at] if at < len(items) else None

    def heads(self) -> list[int | None]:
        """The best item of each ranking that is not shown."""
        return [self.head(ranking) for ranking in range(len(self.lists))]

    def left(self, ranking: int, enough: int) -> bool:
        """Whether a ranking has at least `enough` items that are not shown."""
        items = self.lists[ranking]
        if len(items) - len(self.shown) >= enough:
            return True
        below = items[self._at[ranking] :]
        return sum(item not in self.shown for item in below) >= enough

    def take(self, item: int, team: int) -> None:
        """Shows an item for a team."""
        self.items.append(item)
        self.teams.append(team)
        self.shown.add(item)

    def order(self, random: Random) -> list[int]:
        """The rankings in an order drawn by lot."""
        lots = [random.random() for _ in self.lists]
        if len(lots) == 2:
            return [0, 1] if lots[0] <= lots[1] else [1, 0]
        return sorted(range(len(lots)), key=lots.__getitem__)

    def copy(self) -> Draft:
        """One that can go on differently."""
        other = copy(self)
        other.items, other.teams = self.items.copy(), self.teams.copy()
        other.shown, other._at = self.shown.copy(), self._at.copy()
        return other

    def finish(self, random: Random) -> None:
        """Shows what is left, for nobody: in each round every ranking adds its best item."""
        while not self.is_full and self.heads() != self._ended:
            for ranking in self.order(random):
                item = self.head(ranking)
                if item is not None:
                    self.take(item, NOBODY)


def interleaved(
    rankings: Sequence[Items], draft: Draft, chances: NDArray[np.float64] | None = None
) -> Interleaved:
    """What was drawn, with where each item stood in every ranking."""
    items = draft.items[: draft.length]
    ranks = np.empty((len(items), len(rankings)), np.int32)
    for number, ranking in enumerate(draft.lists):
        ranks[:, number] = _ranks_in(ranking, items)
    return Interleaved(
        np.array(items, np.int32), np.array(draft.teams[: draft.length], np.int8), ranks, chances
    )


def _ranks_in(ranking: Sequence[int], items: Sequence[int]) -> list[int]:
    rank_of = dict(zip(ranking, range(1, len(ranking) + 1), strict=True)).get
    return [rank_of(item, 0) for item in items]


def credit_of_teams(shown: Interleaved, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The clicks on each team's items, float64 of shape (rankings,)."""
    owned = shown.teams != NOBODY
    rankings = shown.ranks.shape[1]
    earned = np.bincount(shown.teams[owned], clicks[owned], minlength=rankings)
    return np.asarray(earned, np.float64)
