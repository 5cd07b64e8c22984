"""How simulated shoppers click on interleaved lists: the models of `training.simulation`, the three
of the interleaving literature, and one who does not look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.simulation import CLICK_MODELS, ClickModel
from training.simulation.models import HIGHEST, Amounts, Clicks, Grades

RANDOM = "random"
"""The model that needs no judgments."""


@dataclass(frozen=True, slots=True)
class Blind:
    """Clicks place k with `often` · k**-eta, whatever stands there."""

    often: float = 0.5
    eta: float = 0.5
    name: str = RANDOM

    def examination(self, depth: int) -> Amounts:
        """k**-eta."""
        return np.arange(1, depth + 1, dtype=np.float64) ** -self.eta

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """See `ClickModel`."""
        chances = self.often * self.examination(grades.shape[1])
        return np.asarray(rng.random(grades.shape) < chances)


@dataclass(frozen=True, slots=True)
class ByGrade:
    """Reads from the top, clicks and stops after a click by the grade (Guo, Liu and Wang, WSDM
    2009; the numbers for five grades of Schuth et al., CIKM 2014, table 1). Grades between those
    are interpolated."""

    name: str
    clicks: tuple[float, float, float, float, float]
    stops: tuple[float, float, float, float, float]

    def examination(self, depth: int) -> None:
        """None: whether a place is reached depends on what stands above it."""

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """See `ClickModel`."""
        clicked = rng.random(grades.shape) < self._by(grades, self.clicks)
        stopped = clicked & (rng.random(grades.shape) < self._by(grades, self.stops))
        reached = np.ones_like(clicked)
        np.logical_and.accumulate(~stopped[:, :-1], axis=1, out=reached[:, 1:])
        return clicked & reached

    @staticmethod
    def _by(grades: Grades, chances: tuple[float, ...]) -> NDArray[np.float64]:
        known = np.linspace(0, HIGHEST, len(chances))
        return np.asarray(np.interp(np.asarray(grades, np.float64), known, chances))


SHOPPERS: Mapping[str, ClickModel] = {
    **{
        model.name: model
        for model in (
            Blind(),
            ByGrade("perfect", (0.0, 0.2, 0.4, 0.8, 1.0), (0.0, 0.0, 0.0, 0.0, 0.0)),
            ByGrade("navigational", (0.05, 0.3, 0.5, 0.7, 0.95), (0.2, 0.3, 0.5, 0.7, 0.9)),
            ByGrade("informational", (0.4, 0.6, 0.7, 0.8, 0.9), (0.1, 0.2, 0.3, 0.4, 0.5)),
        )
    },
    **CLICK_MODELS,
}
"""Every way of clicking, by name."""


def shopper(name: str) -> ClickModel:
    """A way of clicking by name.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in SHOPPERS:
        raise BadInput(f"no click model {name!r}; there are {', '.join(SHOPPERS)}", field="clicks")
    return SHOPPERS[name]
