"""Balanced interleaving (Joachims, KDD 2002; as in Radlinski, Kurup and Joachims, CIKM 2008,
section 4.1): one coin says which ranking is first, then they take turns.

Known limit: when one ranking is the other with an item moved, a clicker who does not look can
favor one of them (Chapelle et al., TOIS 2012); `team-draft` has no such pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.lists import Draft, check, interleaved
from eval.interleaving.seams import NOBODY, Interleaved, Items


@dataclass(frozen=True, slots=True)
class Balanced:
    """See `Interleaver`. What is shown after one ranking has ended is nobody's."""

    name: str = "balanced"
    most: int | None = 2

    def __call__(self, rankings: Sequence[Items], random: Random, length: int) -> Interleaved:
        """See `Interleaver`."""
        check(self.name, self.most, rankings)
        draft = Draft(rankings, length)
        _take_turns(draft, first=random.getrandbits(1))
        draft.finish(random)
        return interleaved(rankings, draft)

    def credit(self, shown: Interleaved, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
        """The clicks on what stands in the first k places of each ranking, k being the place where
        the lowest clicked item stands in the ranking that has it higher."""
        clicked = (clicks > 0) & (shown.teams != NOBODY)
        if not clicked.any():
            return np.zeros(shown.ranks.shape[1])
        lowest = shown.ranks[np.flatnonzero(clicked)[-1]]
        within = (shown.ranks > 0) & (shown.ranks <= lowest[lowest > 0].min())
        return np.asarray((within & clicked[:, None]).T @ clicks, np.float64)


def _take_turns(draft: Draft, first: int) -> None:
    at, ends = [draft.same, draft.same], [len(items) for items in draft.lists]
    while len(draft.items) < draft.length and at[0] < ends[0] and at[1] < ends[1]:
        turn = first if at[0] == at[1] else int(at[1] < at[0])
        item = draft.lists[turn][at[turn]]
        at[turn] += 1
        if item not in draft.shown:
            draft.take(item, turn)
