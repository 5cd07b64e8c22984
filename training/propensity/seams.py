"""What a propensity estimator is, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.clicks.counts import ClickCounts


@dataclass(frozen=True, slots=True)
class Propensities:
    """The probability that a position is looked at, relative to the first.

    `positions` int32 ascending, `values` float64, 1 at the first of them. Positions that were not
    estimated (deeper than any that was connected) have `tail`, the last one's value.
    """

    estimator: str
    positions: NDArray[np.int32]
    values: NDArray[np.float64]

    @property
    def tail(self) -> float:
        """The value of the deepest position."""
        return float(self.values[-1])

    def at(self, positions: NDArray[np.int32]) -> NDArray[np.float64]:
        """The propensities of some positions, float64 of the same shape; a position between two
        estimated ones has that of the next lower on the page, one below all has `tail`."""
        place = np.searchsorted(self.positions, positions).clip(max=len(self.positions) - 1)
        return np.asarray(self.values[place], np.float64)


class Estimator(Protocol):
    """Estimates propensities from counts; pure."""

    name: str

    def __call__(self, counts: ClickCounts) -> Propensities:
        """The propensities of every position in `counts`.

        Raises:
            BadInput: no clicks, one position only, or positions that no common document connects
                (names the components).
        """
        ...
