"""What each feature adds to a score: exact, not estimated.

The linear part is a sum anyway; for the trees these are SHAP values as LightGBM computes them
(Lundberg et al., "Consistent Individualized Feature Attribution for Tree Ensembles", 2018,
algorithm 2).
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankers.scoring import Scorer
from search.errors import AisleError
from search.types import Contributions


class Explainer:
    """Explains the scores of one model. LightGBM is loaded with the first question about trees."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._booster: Any = None
        self._lock = threading.Lock()

    def explain(self, values: NDArray[np.float32]) -> Contributions:
        """What each feature of each row adds; `values` as for `Scorer.score`.

        Raises:
            AisleError: the model has trees and LightGBM is not installed.
        """
        terms, base = self._scorer.linear_terms(values), 0.0
        model = self._scorer.model
        if self._scorer.forest is not None and len(values):
            found = self._trees().predict(values, pred_contrib=True, num_threads=1)
            terms += model.tree_weight * found[:, :-1]
            base = model.tree_weight * float(found[0, -1])
        return Contributions(base, terms)

    def _trees(self) -> Any:
        with self._lock:
            if self._booster is None:
                try:
                    import lightgbm
                except ImportError:
                    raise AisleError(
                        "explaining a model with trees needs LightGBM: pip install 'aisle[train]'"
                    ) from None
                self._booster = lightgbm.Booster(model_str=self._scorer.model.trees)
            return self._booster
