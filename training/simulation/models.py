"""How simulated shoppers click: pure functions of what is shown and of a generator.

Each model takes grades, what a document is truly worth to the query from 0 to 4, of shape
(sessions, positions) with the top first, and draws a click or none for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

HIGHEST = 4.0
"""The best grade."""

Grades = NDArray[Any]
Amounts = NDArray[np.float64]
Clicks = NDArray[np.bool_]


class ClickModel(Protocol):
    """A stated way of clicking; pure, everything random comes from the generator."""

    @property
    def name(self) -> str:
        """What the model is called in `CLICK_MODELS`."""
        ...

    def examination(self, depth: int) -> Amounts | None:
        """How likely each of the first `depth` positions is looked at, float64 of shape (depth,);
        None when that depends on more than the position, so that there is no propensity."""
        ...

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """Clicks on what was shown, bool of the shape of `grades`: (sessions, positions)."""
        ...


@dataclass(frozen=True, slots=True)
class Joachims:
    """Position-based clicks of Joachims et al., WSDM 2017, section 6.1: position k is looked at
    with k**-eta; what is looked at is clicked with `relevant` from grade `threshold` up, and with
    `irrelevant` below it."""

    eta: float = 1.0
    relevant: float = 1.0
    irrelevant: float = 0.1
    threshold: float = 3.0
    name: str = "joachims"

    def examination(self, depth: int) -> Amounts:
        """k**-eta."""
        return np.arange(1, depth + 1, dtype=np.float64) ** -self.eta

    def attraction(self, grades: Grades) -> Amounts:
        """The probability of a click on what is looked at, float64 of the shape of `grades`."""
        return np.where(np.asarray(grades) >= self.threshold, self.relevant, self.irrelevant)

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """See `ClickModel`."""
        return _draw(self.examination(grades.shape[1]) * self.attraction(grades), rng)


_LOOKED_AT = (0.68, 0.61, 0.48, 0.34, 0.28, 0.20, 0.11, 0.10, 0.08, 0.06)


@dataclass(frozen=True, slots=True)
class Ultra:
    """Position-based clicks of ULTRA (Ai et al., SIGIR 2018, section 5.2): eye-tracked examination
    to the power `eta`, and ε + (1−ε)(2^y − 1)/(2^4 − 1) for grade y. Positions below the tenth are
    looked at as often as the tenth."""

    eta: float = 1.0
    noise: float = 0.1
    name: str = "ultra"

    def examination(self, depth: int) -> Amounts:
        """The measured examination, to the power `eta`."""
        looked = np.full(depth, _LOOKED_AT[-1])
        looked[: len(_LOOKED_AT)] = _LOOKED_AT[:depth]
        return looked**self.eta

    def attraction(self, grades: Grades) -> Amounts:
        """The probability of a click on what is looked at, float64 of the shape of `grades`."""
        return self.noise + (1 - self.noise) * _worth(grades)

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """See `ClickModel`."""
        return _draw(self.examination(grades.shape[1]) * self.attraction(grades), rng)


@dataclass(frozen=True, slots=True)
class Trust:
    """Clicks with trust bias (Agarwal et al., WWW 2019; numbers of Vardasbi et al., CIKM 2020,
    section 5): what stands high is clicked though it is not relevant. With r = k − 1, position k is
    looked at with θ = .35/(r+1) + .65/(1+.05r), and what is looked at is clicked with
    ε⁺ = 1/(1+.005r) when relevant and with ε⁻ = .65/(r+1) when not. A document of grade y is
    relevant to y/4 of the shoppers."""

    name: str = "trust"

    def examination(self, depth: int) -> None:
        """None: how much a position adds depends on the document."""

    def affine(self, depth: int) -> tuple[Amounts, Amounts]:
        """α and β of P(click) = α·γ + β, γ being the probability of relevance; each float64 of
        shape (depth,)."""
        below = np.arange(depth, dtype=np.float64)
        looked = 0.35 / (below + 1) + 0.65 / (1 + 0.05 * below)
        right, wrong = 1 / (1 + 0.005 * below), 0.65 / (below + 1)
        return looked * (right - wrong), looked * wrong

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """See `ClickModel`."""
        slope, floor = self.affine(grades.shape[1])
        return _draw(slope * (np.asarray(grades, np.float64) / HIGHEST) + floor, rng)


@dataclass(frozen=True, slots=True)
class Cascade:
    """The cascade model (Craswell et al., WSDM 2008): shoppers read from the top and leave with
    the first click. Grade y attracts with ε + (1−ε)(2^y − 1)/(2^4 − 1)."""

    noise: float = 0.1
    name: str = "cascade"

    def examination(self, depth: int) -> None:
        """None: whether a position is reached depends on what stands above it."""

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """See `ClickModel`."""
        attracted = _draw(self.noise + (1 - self.noise) * _worth(grades), rng)
        return attracted & _reached(~attracted)


@dataclass(frozen=True, slots=True)
class DynamicBayesian:
    """The dynamic Bayesian network of Chapelle and Zhang, WWW 2009: shoppers read from the top,
    click what attracts them (as in `Cascade`), leave when a click satisfied them, which grade y
    does with (2^y − 1)/(2^4 − 1), and otherwise go on with `perseverance`."""

    noise: float = 0.1
    perseverance: float = 0.9
    name: str = "dbn"

    def examination(self, depth: int) -> None:
        """None: whether a position is reached depends on what stands above it."""

    def draw(self, grades: Grades, rng: np.random.Generator) -> Clicks:
        """See `ClickModel`."""
        worth = _worth(grades)
        attracted = _draw(self.noise + (1 - self.noise) * worth, rng)
        satisfied = attracted & _draw(worth, rng)
        goes_on = rng.random(worth.shape) < self.perseverance
        return attracted & _reached(~satisfied & goes_on)


def _worth(grades: Grades) -> Amounts:
    """(2^y − 1)/(2^4 − 1)."""
    return np.asarray((np.exp2(np.asarray(grades, np.float64)) - 1) / (2**HIGHEST - 1))


def _draw(probabilities: Amounts, rng: np.random.Generator) -> Clicks:
    return np.asarray(rng.random(probabilities.shape) < probabilities)


def _reached(left_behind: Clicks) -> Clicks:
    """Whether a position is come to: every one above it was left for the next."""
    reached = np.ones_like(left_behind)
    np.logical_and.accumulate(left_behind[:, :-1], axis=1, out=reached[:, 1:])
    return reached


CLICK_MODELS: Mapping[str, ClickModel] = {
    model.name: model for model in (Joachims(), Ultra(), Trust(), Cascade(), DynamicBayesian())
}


def click_model(name: str) -> ClickModel:
    """A click model by name.

    Raises:
        BadInput: there is none of that name.
    """
    if name not in CLICK_MODELS:
        raise BadInput(f"no click model {name!r}; there are {', '.join(CLICK_MODELS)}")
    return CLICK_MODELS[name]
