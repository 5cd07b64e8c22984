"""Team-draft interleaving (Radlinski, Kurup and Joachims, CIKM 2008, section 4.2) and, for more
than two rankings, team-draft multileaving (Schuth et al., CIKM 2014).

In each round every ranking, in an order drawn by lot, adds its best item that is not shown yet and
gets the clicks on it. What all rankings have in common at the top is nobody's (Chapelle et al.,
TOIS 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.lists import Draft, check, credit_of_teams, interleaved
from eval.interleaving.seams import Interleaved, Items


@dataclass(frozen=True, slots=True)
class TeamDraft:
    """See `Interleaver`. From the first round in which some order of drawing would leave a ranking
    without an item, everything is nobody's: otherwise the longer ranking would win by length."""

    name: str = "team-draft"
    most: int | None = None

    def __call__(self, rankings: Sequence[Items], random: Random, length: int) -> Interleaved:
        """See `Interleaver`."""
        check(self.name, self.most, rankings)
        draft = Draft(rankings, length)
        while not draft.is_full and _round(draft, random):
            pass
        draft.finish(random)
        return interleaved(rankings, draft)

    def credit(self, shown: Interleaved, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
        """The clicks on each team's items."""
        return credit_of_teams(shown, clicks)


def _round(draft: Draft, random: Random) -> bool:
    """Adds an item of every ranking; False, with nothing drawn, where some order would leave one of
    them without."""
    heads = draft.heads()
    if None in heads:
        return False
    count = len(heads)
    # Where the best items differ nobody takes another's, so that they need no second look.
    differ = len(set(heads)) == count
    if not (differ or all(draft.left(number, count) for number in range(count))):
        return False
    for ranking in draft.order(random):
        item = heads[ranking] if differ else draft.head(ranking)
        assert item is not None
        draft.take(item, ranking)
    return True
