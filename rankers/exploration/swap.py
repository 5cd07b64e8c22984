"""Neighbors change places with a stated probability.

A coin says whether pairs begin at the first or at the second slot; then each pair is swapped or
not, independently. So every slot shares products with the next one, which is what propensities of
clicks are estimated from: the swap interventions of Joachims et al., WSDM 2017 (section 5.3),
between neighbors, so that little relevance is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.types import Chance, Slots


@dataclass(frozen=True, slots=True)
class Swap:
    """Each pair is swapped with `probability` (0 to 1)."""

    probability: float

    @property
    def name(self) -> str:
        """As it is logged."""
        return f"swap:{self.probability:g}"

    def __call__(self, slots: Slots, rng: np.random.Generator) -> Chance:
        """Draws an order."""
        count = len(slots)
        if count < 2 or not self.probability:
            return Chance.unchanged(count)
        begin = int(rng.integers(2))
        pairs = _pairs(count, begin)
        swapped = pairs[rng.random(len(pairs)) < self.probability]
        order = np.arange(count)
        order[swapped], order[swapped + 1] = swapped + 1, swapped
        return Chance(order, self._marginals(order), self._of(order), self._of(np.arange(count)))

    def _marginals(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """The probability that each slot shows what it shows."""
        count, half = len(order), self.probability / 2
        slots = np.arange(count)
        partners = np.full(count, 2.0)  # a slot has a partner under how many outcomes of the coin
        for begin in (0, 1):
            alone = np.setdiff1d(slots, np.concatenate([_pairs(count, begin) + i for i in (0, 1)]))
            partners[alone] -= 1
        return np.where(order == slots, 1 - partners * half, half)

    def _of(self, order: NDArray[np.int64]) -> float:
        """The probability of a whole order, whichever way the coin fell."""
        total = 0.0
        for begin in (0, 1):
            pairs = _pairs(len(order), begin)
            swapped = order[pairs] == pairs + 1
            expected = np.arange(len(order))
            expected[pairs[swapped]], expected[pairs[swapped] + 1] = (
                pairs[swapped] + 1,
                pairs[swapped],
            )
            if np.array_equal(expected, order):
                factors = np.where(swapped, self.probability, 1 - self.probability)
                total += 0.5 * float(factors.prod())
        return total


def _pairs(count: int, begin: int) -> NDArray[np.int64]:
    """The first slot of each pair."""
    return np.arange(begin, count - 1, 2)
