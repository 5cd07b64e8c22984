"""What each feature adds to a score: exact, not estimated.

The linear part is a sum anyway; for the trees these are SHAP values (`rankers.tree_shap`).
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from rankers.scoring import Scorer
from rankers.tree_shap import ForestShap
from rankers.trees import Forest
from search.types import Contributions


class Explainer:
    """Explains the scores of one model; safe from several threads at once. Trees are made ready
    with the first question about them."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._shap: ForestShap | None = None
        self._lock = threading.Lock()

    def explain(self, values: NDArray[np.float32]) -> Contributions:
        """What each feature of each row adds; `values` as for `Scorer.score`."""
        terms, weight = self._scorer.linear_terms(values), self._scorer.model.tree_weight
        if self._scorer.forest is None:
            return Contributions(0.0, terms)
        shap = self._ready(self._scorer.forest)
        terms += weight * shap.contributions(values)
        return Contributions(weight * shap.base, terms)

    def _ready(self, forest: Forest) -> ForestShap:
        with self._lock:
            if self._shap is None:
                self._shap = ForestShap.of(forest)
            return self._shap
