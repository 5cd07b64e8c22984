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
def _linear(features, weights, centers, scales, clip, scores):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Adds to `scores`; `features` has shape (features, rows). Adds up in the order of the
    features, so that a row scores the same beside any others; feature by feature, so that the
    processor divides for several rows at once."""
    for number in range(features.shape[0]):
        weight, center, scale = weights[number], centers[number], scales[number]
        if weight == 0:
            continue
        own = features[number]
        for row in range(len(scores)):
            value = (np.float64(own[row]) - center) / scale
            kept = weight * min(max(value, -clip), clip)
            scores[row] += 0.0 if np.isnan(value) else kept


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
        if model.weights.any():
            _linear(
                np.ascontiguousarray(values.T, np.float32),
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
