"""Orders varied by chance: what is given to a method of exploration, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Slots:
    """The products whose places chance may exchange, in the order they have.

    `scores` (float64, falling) are theirs; `seen` and `clicked` (float64) how often each was looked
    at and clicked, 0 where unknown; `usual` is the catalogue's click rate.
    """

    scores: NDArray[np.float64]
    seen: NDArray[np.float64]
    clicked: NDArray[np.float64]
    usual: float

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Chance:
    """One order drawn: slot i shows what stood in slot `order[i]` (int64). `propensities[i]` is the
    probability that the method puts that product there, `probability` that of the whole order, and
    `kept` that of the order being left as it was; all three exact."""

    order: NDArray[np.int64]
    propensities: NDArray[np.float64]
    probability: float
    kept: float

    @staticmethod
    def unchanged(count: int) -> Chance:
        """Nothing was left to chance."""
        return Chance(np.arange(count), np.ones(count), 1.0, 1.0)
