"""A ranking model as data: a linear part, trees, or both over the same features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rankers.associations import Associations

ModelKind = Literal["fused", "linear", "trees", "blend"]
CLIP = 4.0
"""How many scales a standardized value may be from its center, so that no outlier decides alone."""


def _nothing() -> NDArray[np.float64]:
    return np.empty(0, np.float64)


@dataclass(frozen=True, slots=True)
class Model:
    """A score is the sum over features of `weights` times the standardized value, plus
    `tree_weight` times the sum of the trees' leaves.

    A value is standardized as (value - center) / scale, kept within `CLIP`; an unknown one (NaN)
    adds nothing. `weights`, `centers` and `scales` are float64 of shape (len(features),). `trees`
    is LightGBM's own text, "" without trees. `features` names the columns in order and
    `feature_version` the code that computes them (`rankers.features.VERSION`): a model of another
    is refused. `depth` is how many candidates it scores. `training` says what it learned from and
    how, `metrics` what cross-validation found. `associations` is what it learned of words and
    meanings, of which features named `learned_…` are made (`rankers.features.learned`).
    """

    name: str
    kind: ModelKind
    features: tuple[str, ...]
    feature_version: str
    weights: NDArray[np.float64] = field(default_factory=_nothing)
    centers: NDArray[np.float64] = field(default_factory=_nothing)
    scales: NDArray[np.float64] = field(default_factory=_nothing)
    trees: str = ""
    tree_weight: float = 0.0
    depth: int = 200
    training: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, object] = field(default_factory=dict)
    associations: Associations | None = None
