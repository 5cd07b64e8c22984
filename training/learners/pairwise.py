"""`pairwise-ips`: LambdaMART whose pairs are clicks against the other candidates, each click
weighted by one over the probability that it could happen.

Joachims et al. (WSDM 2017, section 4) and Agarwal et al. (SIGIR 2019): the expected loss of a query
is Σ over its clicked documents i of 1/p_i · loss of i against every other document shown. LightGBM
has no such weights: its row weights multiply a row's summed gradient, and the two gradients of a
pair no longer cancel. So the objective is our own, and they do.

Counts do not say which documents were clicked together. Every click stands against all other
documents that were seen for its query, clicked or not, as in the papers: what two documents clicked
together give to each other's pair is r_i·p_j·r_j and r_j·p_i·r_i, and leaving only these out would
bring position back in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log2

import lightgbm
import numba
import numpy as np

from training.learners.boosting import Stop, boost, from_fused, grow, parameters
from training.learners.clicked import ClickedTables
from training.learners.labels import eb_labels
from training.learners.seams import LearnerSettings
from training.linear import Linear
from training.scorers import Scorer
from training.tables import Rows, Values
from training.trees import Trees

Objective = Callable[[Values, lightgbm.Dataset], tuple[Values, Values]]


@dataclass(frozen=True, slots=True)
class PairwiseIps:
    """LambdaMART with inverse propensity weights on pairs."""

    name: str = "pairwise-ips"
    when: str = "to compare with the papers; noisy where clicks are few"

    def __call__(self, clicked: ClickedTables, settings: LearnerSettings) -> Scorer:
        """See `Learner`."""

        def fit(part: ClickedTables, start: Linear, rounds: int, stop: Stop | None) -> Trees:
            return _fit(part, start, rounds, stop, settings)

        return grow(clicked, eb_labels(clicked), settings, fit, from_fused)


def weighted_clicks(clicked: ClickedTables, clip: float) -> Values:
    """Σ clicks / max(p, clip) per impression, float64 of shape (rows,): an unbiased estimate of
    relevance where no propensity is below the clip; 0 where nobody saw it."""
    cells = clicked.cells
    weighted = clicked.per_row(cells.clicks / np.maximum(cells.looked, clip))
    return np.asarray(weighted / np.maximum(clicked.impressions, 1e-12), np.float64)


def _fit(
    clicked: ClickedTables, start: Linear, rounds: int, stop: Stop | None, settings: LearnerSettings
) -> Trees:
    tables = clicked.tables
    seen = np.flatnonzero(clicked.impressions > 0)
    sizes = np.bincount(tables.query[seen], minlength=len(tables))
    sizes = sizes[sizes > 0]
    worth = weighted_clicks(clicked, settings.clip)[seen]
    asked = parameters(
        tables, settings, objective=pair_objective(worth, sizes, settings.trees.truncation)
    )
    data = lightgbm.Dataset(
        tables.values[seen],
        label=worth,
        group=sizes,
        init_score=start.scores(tables.values[seen]),
        categorical_feature=list(tables.schema.categories),
        params={name: value for name, value in asked.items() if name != "objective"},
    )
    return boost(asked, data, rounds, stop)


def pair_objective(worth: Values, sizes: Rows, truncation: int) -> Objective:
    """LightGBM's custom objective for rows of weighted clicks `worth`, shape (rows,), in adjacent
    queries of these `sizes`; of a pair one must be among the first `truncation` places."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])

    def objective(scores: Values, _: lightgbm.Dataset) -> tuple[Values, Values]:
        return pair_gradients(np.asarray(scores, np.float64), worth, offsets, truncation)

    return objective


def pair_gradients(
    scores: Values, worth: Values, offsets: Rows, truncation: int
) -> tuple[Values, Values]:
    """Gradients and second derivatives, each float64 of shape (rows,).

    For documents i, j of one query: λ_ij = |ΔnDCG_ij| · (w_j · σ(s_i − s_j) − w_i · σ(s_j − s_i))
    is added to i's gradient and taken from j's, so that each query's gradients sum to 0. As in
    LightGBM a query's λs are scaled by log2(1 + Σ|λ|) / Σ|λ|.
    """
    gradients, curvatures = np.zeros_like(scores), np.zeros_like(scores)
    _fill(scores, worth, offsets, truncation, gradients, curvatures)
    return gradients, curvatures


@numba.njit(cache=True, nogil=True)
def _fill(
    scores: Values,
    worth: Values,
    offsets: Rows,
    truncation: int,
    gradients: Values,
    curvatures: Values,
) -> None:
    for q in range(len(offsets) - 1):
        first, last = offsets[q], offsets[q + 1]
        ideal = 0.0
        for place, w in enumerate(np.sort(worth[first:last])[::-1][:truncation]):
            ideal += w / log2(place + 2)
        if ideal <= 0.0:
            continue
        order = np.argsort(-scores[first:last], kind="mergesort") + first
        size, total = last - first, 0.0
        for a in range(min(truncation, size)):
            i = order[a]
            for b in range(a + 1, size):
                j = order[b]
                reach = (1 / log2(a + 2) - 1 / log2(b + 2)) / ideal
                above = 1 / (1 + exp(scores[j] - scores[i]))
                pull = reach * (worth[j] * above - worth[i] * (1 - above))
                bend = reach * (worth[i] + worth[j]) * above * (1 - above)
                gradients[i] += pull
                gradients[j] -= pull
                curvatures[i] += bend
                curvatures[j] += bend
                total += 2 * abs(pull)
        if total > 0.0:
            scale = log2(1 + total) / total
            gradients[first:last] *= scale
            curvatures[first:last] *= scale
