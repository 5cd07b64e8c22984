"""Probabilistic interleaving (Hofmann, Whiteson and de Rijke, CIKM 2011) and multileaving (Schuth
et al., SIGIR 2015).

For each place a ranking is drawn by lot; it draws one of its items that are not shown, the one at
rank r with a probability proportional to r**-3. A click is credited to all rankings by how likely
each was to have put the item there: the assignment is marginalized out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.lists import Draft, check, interleaved
from eval.interleaving.seams import Interleaved, Items
from search.errors import BadInput

Amounts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Probabilistic:
    """See `Interleaver`. What all rankings have in common at the top is shown as it is: there, the
    paper's lots would change the order and credit nobody. What is shown after a ranking has ended
    is nobody's."""

    name: str = "probabilistic"
    most: int | None = None

    def __call__(self, rankings: Sequence[Items], random: Random, length: int) -> Interleaved:
        """See `Interleaver`."""
        check(self.name, self.most, rankings)
        draft = Draft(rankings, length)
        lots = _Lots(draft)
        while not draft.is_full and all(lots.left):
            lots.draw(draft, random)
        draft.finish(random)
        chances = np.zeros((min(len(draft.items), length), len(rankings)))
        if lots.chances:
            chances[draft.same : draft.same + len(lots.chances)] = lots.chances
        return interleaved(rankings, draft, chances)

    def credit(self, shown: Interleaved, clicks: Amounts) -> Amounts:
        """Each click shared by how likely each ranking was to put the item there.

        Raises:
            BadInput: `chances` were not logged.
        """
        if shown.chances is None:
            raise BadInput("probabilistic credit needs the chances of each place; log them")
        total = shown.chances.sum(axis=1)
        worth = np.divide(clicks, total, out=np.zeros(len(shown)), where=total > 0)
        return np.asarray(worth @ shown.chances, np.float64)


class _Lots:
    """The weights of what each ranking can still draw: whole numbers, whose sums stay exact
    whatever is taken off them, on every machine."""

    def __init__(self, draft: Draft) -> None:
        self.chances: list[list[float]] = []
        self.places = [dict(zip(items, range(len(items)), strict=True)) for items in draft.lists]
        self.left = [len(items) - draft.same for items in draft.lists]
        self.weights = [list(_weights(len(items))) for items in draft.lists]
        self.totals = [sum(weights[draft.same :]) for weights in self.weights]
        self.tops = [draft.same] * len(draft.lists)
        for weights in self.weights:
            weights[: draft.same] = [0] * draft.same

    def draw(self, draft: Draft, random: Random) -> None:
        """Shows one more item."""
        team = int(random.random() * len(self.weights))
        item = draft.lists[team][self._place(team, random.random())]
        self.chances.append([self._remove(ranking, item) for ranking in range(len(self.left))])
        draft.take(item, team)

    def _place(self, team: int, lot: float) -> int:
        """Where a lot from 0 to 1 falls. It is looked for from the top of what is left, where most
        of the weight is."""
        weights, total = self.weights[team], self.totals[team]
        while not weights[self.tops[team]]:
            self.tops[team] += 1
        place = self.tops[team]
        # A product with a float is rounded, so that the highest lot could be all there is.
        rest = min(int(lot * total), total - 1) - weights[place]
        while rest >= 0:
            place += 1
            rest -= weights[place]
        return place

    def _remove(self, ranking: int, item: int) -> float:
        """How likely the ranking was to draw what nobody can draw any more."""
        place = self.places[ranking].get(item)
        if place is None:
            return 0.0
        weight, total = self.weights[ranking][place], self.totals[ranking]
        self.weights[ranking][place] = 0
        self.totals[ranking] = total - weight
        self.left[ranking] -= 1
        return weight / total


@lru_cache(maxsize=256)
def _weights(length: int) -> tuple[int, ...]:
    """The inverse cubes of the ranks, over the same denominator; to 53 bits the smallest, too."""
    one = (length**3) << 53
    return tuple(one // (rank * rank * rank) for rank in range(1, length + 1))
