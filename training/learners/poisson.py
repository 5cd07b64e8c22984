"""`poisson`: how often a candidate is clicked for every look, by Poisson regression.

E[clicks] = Σ n·p·r with log r = f(features): the looks are the exposure, so LightGBM's Poisson
objective starts from log p (`init_score`), with mean clicks as labels and impressions as weights.
With several positions p is their mean over the candidate's impressions: their sum is what the
likelihood depends on, so this loses nothing.

The trees are grown on the linear ranker of the same rates, as those of LambdaMART are.

Rates differ by more than features tell, so that a document's millionth click says little about
others: its weight is n / (1 + n·p/m), what its clicks would weigh in a negative binomial regression
with the strength m of `training.learners.shrinkage` (McCullagh & Nelder 1989, section 6.2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np

from training.learners.boosting import Stop, boost, from_linear, grow, parameters
from training.learners.clicked import ClickedTables
from training.learners.labels import eb_labels
from training.learners.seams import LearnerSettings
from training.learners.shrinkage import estimate_rates
from training.linear import Linear
from training.scorers import Scorer
from training.tables import Values
from training.trees import Trees


@dataclass(frozen=True, slots=True)
class Regression:
    """The fitted model: log rate = `intercept` + the scorer's score."""

    scorer: Scorer
    intercept: float

    def rates(self, values: np.ndarray) -> Values:
        """Expected clicks per look, float64 of shape (rows,), never above 1."""
        return np.minimum(np.exp(self.intercept + self.scorer.scores(values)), 1.0)


@dataclass(frozen=True, slots=True)
class Poisson:
    """Poisson regression with exposure (McCullagh & Nelder 1989, section 6.2) by boosted trees."""

    name: str = "poisson"
    when: str = "clicks alone, without judgments: no labels to choose, nothing to tune"

    def __call__(self, clicked: ClickedTables, settings: LearnerSettings) -> Scorer:
        """See `Learner`."""
        return self.fit(clicked, settings).scorer

    def fit(self, clicked: ClickedTables, settings: LearnerSettings) -> Regression:
        """The scorer, and the rate it is relative to."""

        def fit(part: ClickedTables, start: Linear, rounds: int, stop: Stop | None) -> Trees:
            return _fit(part, start, rounds, stop, settings)

        scorer = grow(clicked, eb_labels(clicked), settings, fit, from_linear)
        clicks, looks = clicked.clicks, clicked.examined
        seen = looks > 0
        expected = looks[seen] @ np.exp(scorer.scores(clicked.tables.values[seen]))
        return Regression(scorer, float(np.log(clicks.sum() / max(expected, 1e-12))))


def _fit(
    clicked: ClickedTables, start: Linear, rounds: int, stop: Stop | None, settings: LearnerSettings
) -> Trees:
    tables = clicked.tables
    impressions, clicks, looks = clicked.impressions, clicked.clicks, clicked.examined
    seen = np.flatnonzero(impressions > 0)
    values, n, c = tables.values[seen], impressions[seen], clicks[seen]
    scores = start.scores(values)
    usual = _query_levels(tables.query[seen], c, looks[seen] * np.exp(scores - scores.max()))
    data = lightgbm.Dataset(
        values,
        label=c / n,
        weight=n / (1 + looks[seen] / estimate_rates(clicked).strength),
        init_score=np.log(looks[seen] / n) + scores - scores.max() + usual,
        categorical_feature=list(tables.schema.categories),
        params=(asked := parameters(tables, settings, objective="poisson")),
    )
    return boost(asked, data, rounds, stop)


def _query_levels(query: np.ndarray, clicks: Values, expected: Values) -> Values:
    """The log of how often each row's query is clicked against what is expected, shrunk to all
    queries: the trees then learn what tells candidates of one query apart, which is all that
    orders them."""
    total = clicks.sum() / max(float(expected.sum()), 1e-12)
    size = int(query.max(initial=0)) + 1
    seen = np.bincount(query, clicks, size)
    hoped = np.bincount(query, expected, size) * total
    levels: Values = np.log(total) + np.log((1 + seen) / (1 + hoped))
    return np.asarray(levels[query], np.float64)
