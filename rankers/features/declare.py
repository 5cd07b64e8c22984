"""How a feature is declared: once, with everything that is to be known about it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rankers.features.inputs import Inputs

FeatureType = Literal["number", "flag", "category"]
Direction = Literal[-1, 0, 1]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of a feature table.

    `unit` says what a 1 is (`share`, `words`, `days`, …), `source` where it comes from (`words`,
    `meaning`, `query`, `catalogue`, `behavior`, `shopper`). `missing` stands for an unknown value
    and is NaN unless the sentence says why not. `direction` is 1 where a higher value can only
    make a product better, -1 where only worse: models must keep to it.
    """

    name: str
    type: FeatureType
    unit: str
    source: str
    sentence: str
    direction: Direction = 0
    missing: float = math.nan


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
