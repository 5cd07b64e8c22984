"""Team-draft interleaving (Radlinski, Kurup and Joachims, CIKM 2008, section 4.2) and, for more
than two rankings, team-draft multileaving (Schuth et al., CIKM 2014).

In each round every ranking, in an order drawn by lot, adds its best item that is not shown yet and
gets the clicks on it. What all rankings have in common at the top is nobody's (Chapelle et al.,
TOIS 2012, section 4.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.lists import check, finish, interleaved, shared_prefix
from eval.interleaving.seams import NOBODY, Interleaved, Items


@dataclass(frozen=True, slots=True)
class TeamDraft:
    """See `Interleaver`. From the first round in which some order of drawing would leave a ranking
    without an item, everything is nobody's: otherwise the longer ranking would win by length."""

    name: str = "team-draft"
    most: int | None = None

    def __call__(self, rankings: Sequence[Items], random: Random, length: int) -> Interleaved:
        """See `Interleaver`."""
        check(self.name, self.most, rankings)
        same = min(shared_prefix(rankings), length)
        lists = [ranking.tolist() for ranking in rankings]
        items, teams = lists[0][:same], [NOBODY] * same
        if same < length:
            _draft(_Draft(lists, items, teams), random, length)
        rest = finish(lists, items) if len(items) < length else iter(())
        return interleaved(rankings, list(islice(chain(items, rest), length)), teams[:length])

    def credit(self, shown: Interleaved, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
        """The clicks on each team's items."""
        owned = shown.teams != NOBODY
        rankings = shown.ranks.shape[1]
        earned = np.bincount(shown.teams[owned], clicks[owned], minlength=rankings)
        return np.asarray(earned, np.float64)


class _Draft:
    """Lists being drawn from."""

    def __init__(self, lists: list[list[int]], items: list[int], teams: list[int]) -> None:
        self.lists, self.items, self.teams = lists, items, teams
        self.shown = set(items)
        self.at = [0] * len(lists)

    def head(self, team: int) -> int | None:
        """The best item of a ranking that is not shown; None at its end."""
        ranking, at = self.lists[team], self.at[team]
        while at < len(ranking) and ranking[at] in self.shown:
            at += 1
        self.at[team] = at
        return ranking[at] if at < len(ranking) else None

    def take(self, team: int, item: int) -> None:
        """Shows an item for a team."""
        self.items.append(item)
        self.teams.append(team)
        self.shown.add(item)

    def is_fair(self) -> bool:
        """Whether every ranking has an item for this round in whatever order they draw."""
        heads = [self.head(team) for team in range(len(self.lists))]
        if None in heads:
            return False
        return len(set(heads)) == len(heads) or all(map(self._lasts, range(len(heads))))

    def _lasts(self, team: int) -> bool:
        ranking, teams = self.lists[team], len(self.lists)
        if len(ranking) - len(self.shown) >= teams:
            return True
        left = (item for item in ranking[self.at[team] :] if item not in self.shown)
        return len(list(islice(left, teams))) == teams


def _draft(draft: _Draft, random: Random, length: int) -> None:
    """Whole rounds until `length` is reached or a round would not be fair."""
    teams = range(len(draft.lists))
    while len(draft.items) < length and draft.is_fair():
        for team in sorted(teams, key=lambda _: random.random()):
            item = draft.head(team)
            assert item is not None
            draft.take(team, item)
