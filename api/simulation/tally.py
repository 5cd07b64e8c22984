"""What simulated shoppers did, counted by position, beside what their click model states."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from api.simulation.behavior import Behavior

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PositionRate:
    """Of one position: how often it was shown and clicked, and the share of clicks that the click
    model states for what stood there; None where the model states none."""

    position: int
    impressions: int
    clicks: int
    rate: float
    stated: float | None


@dataclass(slots=True)
class Tally:
    """Sums over searches; arrays are float64 of shape (positions,)."""

    positions: int
    searches: int = 0
    carts: int = 0
    purchases: int = 0
    shown: Values = field(init=False)
    clicked: Values = field(init=False)
    expected: Values | None = field(init=False)

    def __post_init__(self) -> None:
        self.shown, self.clicked = np.zeros(self.positions), np.zeros(self.positions)
        self.expected = np.zeros(self.positions)

    def add(self, done: Behavior, chances: Values | None) -> None:
        """Counts some searches; `chances` as `click_chances` gives them."""
        self.searches += len(done.shown)
        self.carts += int(done.carts.sum())
        self.purchases += int(done.purchases.sum())
        self.shown += done.shown.sum(0)
        self.clicked += done.clicks.sum(0)
        if chances is None:
            self.expected = None
        elif self.expected is not None:
            self.expected += (chances * done.shown).sum(0)

    @property
    def clicks(self) -> int:
        """All clicks."""
        return int(self.clicked.sum())

    def rates(self) -> tuple[PositionRate, ...]:
        """Every position that was shown."""
        return tuple(
            PositionRate(
                place + 1,
                int(self.shown[place]),
                int(self.clicked[place]),
                float(self.clicked[place] / self.shown[place]),
                None if self.expected is None else float(self.expected[place] / self.shown[place]),
            )
            for place in np.flatnonzero(self.shown).tolist()
        )
