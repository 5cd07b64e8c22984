"""Probabilistic interleaving (Hofmann, Whiteson and de Rijke, CIKM 2011) and multileaving (Schuth
et al., SIGIR 2015).

For each place a ranking is drawn by lot; it draws one of its items that are not shown, the one at
rank r with a probability proportional to r**-3. A click is credited to all rankings by how likely
each was to have put the item there: the assignment is marginalized out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """The weights of what each ranking can still draw."""

    def __init__(self, draft: Draft) -> None:
        self.chances: list[list[float]] = []
        self.places = [dict(zip(items, range(len(items)), strict=True)) for items in draft.lists]
        self.left = [len(items) - draft.same for items in draft.lists]
        self.weights = [_weights(len(items)) for items in draft.lists]
        for weights in self.weights:
            weights[: draft.same] = 0.0

    def draw(self, draft: Draft, random: Random) -> None:
        """Shows one more item."""
        sums = [weights.cumsum() for weights in self.weights]
        team = int(random.random() * len(sums))
        drawn = sums[team].searchsorted(random.random() * sums[team][-1], side="right")
        item = draft.lists[team][min(int(drawn), len(sums[team]) - 1)]
        self.chances.append(
            [self._remove(ranking, item) / float(total[-1]) for ranking, total in enumerate(sums)]
        )
        draft.take(item, team)

    def _remove(self, ranking: int, item: int) -> float:
        place = self.places[ranking].get(item)
        if place is None:
            return 0.0
        weight = float(self.weights[ranking][place])
        self.weights[ranking][place] = 0.0
        self.left[ranking] -= 1
        return weight


def _weights(length: int) -> Amounts:
    # Multiplied, not raised to a power: the same bits on every machine.
    rank = np.arange(1, length + 1, dtype=np.float64)
    return np.asarray(1 / (rank * rank * rank), np.float64)
