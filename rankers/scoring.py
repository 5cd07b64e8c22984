"""The score of a model: the same numbers in training and in serving, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rankers.model import CLIP, Model
from rankers.trees import Forest

_vector = nb.float64[::1]


@nb.njit(
    nb.void(nb.float32[:, ::1], _vector, _vector, _vector, nb.float64, _vector),
    nogil=True,
    cache=True,
)
def _linear(values, weights, centers, scales, clip, scores):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Adds up in the order of the features, so that a row scores the same beside any others."""
    for row in range(values.shape[0]):
        total = 0.0
        for column in range(values.shape[1]):
            value = (np.float64(values[row, column]) - centers[column]) / scales[column]
            if not np.isnan(value):
                total += weights[column] * min(max(value, -clip), clip)
        scores[row] = total


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model ready to score; safe from several threads at once."""

    model: Model
    forest: Forest | None

    @staticmethod
    def of(model: Model) -> Scorer:
        """Lays out the model's trees.

        Raises:
            BadInput: the trees cannot be scored; says why.
        """
        forest = Forest.read(model.trees, len(model.features)) if model.trees else None
        return Scorer(model, forest)

    def score(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Float64 of shape (rows,), higher is better; `values` is float32 of shape (rows,
        len(features)), NaN where unknown. Releases the GIL."""
        scores = self.linear(values)
        if self.forest is not None:
            scores += self.model.tree_weight * self.forest.score(values)
        return scores

    def linear(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The linear part alone; zeros in a model without."""
        model = self.model
        scores = np.zeros(len(values), np.float64)
        if len(model.weights):
            _linear(
                np.ascontiguousarray(values, np.float32),
                np.ascontiguousarray(model.weights),
                np.ascontiguousarray(model.centers),
                np.ascontiguousarray(model.scales),
                CLIP,
                scores,
            )
        return scores

    def linear_terms(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """What each feature adds to `linear`, float64 of shape (rows, features)."""
        model = self.model
        if not len(model.weights):
            return np.zeros(values.shape, np.float64)
        standardized = (values.astype(np.float64) - model.centers) / model.scales
        return model.weights * np.nan_to_num(np.clip(standardized, -CLIP, CLIP), nan=0.0)
