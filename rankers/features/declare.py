"""How a feature is declared: once, with everything that is to be known about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rankers.features.inputs import Inputs

FeatureType = Literal["number", "flag", "category"]
Direction = Literal[-1, 0, 1]
_NOTHING = 0.0005
"""What is nearer to 0 than this is told as 0."""


def number_text(value: float) -> str:
    """A number with three digits that count, for people to read."""
    if math.isnan(value):
        return "unknown"
    if abs(value) < _NOTHING:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _percent(value: float) -> str:
    return f"{number_text(100 * value)}%"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _times(value: float) -> str:
    return f"× {number_text(math.exp(value))}"


def _counted(value: float) -> str:
    return _whole(math.expm1(value))


_TEXTS: Mapping[str, Callable[[float], str]] = {
    "yes or no": lambda value: "yes" if value else "no",
    **dict.fromkeys(("share", "probability", "rate"), _percent),
    **dict.fromkeys(("words", "characters", "days", "place", "hour"), _whole),
    "currency": lambda value: f"{value:,.2f}",
    "log ratio": _times,
    **dict.fromkeys(("log count", "log place"), _counted),
}
"""How values of a unit are told, where not as plain numbers."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a feature table.

    `label` is its name for people, without a capital. `unit` says what a 1 is (`share`, `words`,
    `days`, …), `source` where it comes from (`words`, `meaning`, `query`, `catalogue`, `behavior`,
    `shopper`). `missing` stands for an unknown value and is NaN unless the sentence says why not.
    `direction` is 1 where a higher value can only make a product better, -1 where only worse:
    models must keep to it.
    """

    name: str
    label: str
    type: FeatureType
    unit: str
    source: str
    sentence: str
    direction: Direction = 0
    missing: float = math.nan

    def text(self, value: float) -> str:
        """A value for people to read: `47%`, `yes`, `× 0.63`."""
        told = number_text if math.isnan(value) else _TEXTS.get(self.unit, number_text)
        return told(value)


@dataclass(frozen=True, slots=True)
class Group:
    """Features that are computed together. `fill` fills their columns, in the order of `features`,
    of a table of all candidates: float32 of shape (candidates, len(features)), which holds NaN and
    may be part of a wider one."""

    name: str
    features: tuple[Feature, ...]
    fill: Callable[[Inputs, NDArray[np.float32]], None]

    def compute(self, inputs: Inputs) -> NDArray[np.float32]:
        """These features alone, float32 of shape (candidates, len(features))."""
        out = inputs.empty(len(self.features))
        self.fill(inputs, out)
        return out
