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


def shared_prefix(rankings: Sequence[Items]) -> int:
    """How many places from the top are the same in all rankings."""
    least = min(map(len, rankings))
    first = rankings[0][:least]
    same = np.ones(least, np.bool_)
    for other in rankings[1:]:
        same &= first == other[:least]
    return least if same.all() else int(np.argmin(same))


class Draft:
    """Rankings being drawn from: `items` is what is shown so far, `teams` who each stands for.
    What all rankings have in common at the top is shown already, for nobody."""

    def __init__(self, rankings: Sequence[Items], length: int) -> None:
        self.lists = [ranking.tolist() for ranking in rankings]
        self.length = length
        self.same = min(shared_prefix(rankings), length)
        self.items: list[int] = self.lists[0][: self.same]
        self.teams = [NOBODY] * self.same
        self.shown = set(self.items)
        self._at = [0] * len(rankings)

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
        return sorted(range(len(self.lists)), key=lambda _: random.random())

    def copy(self) -> Draft:
        """One that can go on differently."""
        other = copy(self)
        other.items, other.teams = self.items.copy(), self.teams.copy()
        other.shown, other._at = self.shown.copy(), self._at.copy()
        return other

    def finish(self, random: Random) -> None:
        """Shows what is left, for nobody: in each round every ranking adds its best item."""
        while not self.is_full and any(head is not None for head in self.heads()):
            for ranking in self.order(random):
                item = self.head(ranking)
                if item is not None:
                    self.take(item, NOBODY)


def interleaved(
    rankings: Sequence[Items], draft: Draft, chances: NDArray[np.float64] | None = None
) -> Interleaved:
    """What was drawn, with where each item stood in every ranking."""
    items = draft.items[: draft.length]
    ranks = [_ranks_in(ranking, items) for ranking in draft.lists]
    return Interleaved(
        np.array(items, np.int32),
        np.array(draft.teams[: draft.length], np.int8),
        np.array(ranks, np.int32).T.reshape(len(items), len(rankings)),
        chances,
    )


def _ranks_in(ranking: Sequence[int], items: Sequence[int]) -> list[int]:
    place = dict(zip(ranking, range(1, len(ranking) + 1), strict=True))
    return [place.get(item, 0) for item in items]


def credit_of_teams(shown: Interleaved, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The clicks on each team's items, float64 of shape (rankings,)."""
    owned = shown.teams != NOBODY
    rankings = shown.ranks.shape[1]
    earned = np.bincount(shown.teams[owned], clicks[owned], minlength=rankings)
    return np.asarray(earned, np.float64)
