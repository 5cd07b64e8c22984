"""LambdaMART on labels made from clicks: `naive`, `eb-labels`, `dr-labels`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from eval import folds
from training.learners.boosting import Stop, from_linear, grow
from training.learners.clicked import ClickedTables, with_gains
from training.learners.labels import dr_labels, eb_labels, naive_labels, quantize
from training.learners.poisson import Poisson
from training.learners.seams import LearnerSettings
from training.linear import Linear
from training.scorers import Scorer
from training.tables import Values
from training.trees import Trees, fit_trees

Label = Callable[[ClickedTables, LearnerSettings], Values]


@dataclass(frozen=True, slots=True)
class LambdaMart:
    """LambdaMART (Burges 2010) whose labels are rates, rounded to grades; `label_gain` gives each
    grade its rate back, so that nDCG of the rates is what is optimized."""

    name: str
    when: str
    label: Label

    def __call__(self, clicked: ClickedTables, settings: LearnerSettings) -> Scorer:
        """See `Learner`."""
        labels = quantize(self.label(clicked, settings))
        return fit_labels(clicked, labels, settings)


def fit_labels(clicked: ClickedTables, labels: Values, settings: LearnerSettings) -> Scorer:
    """LambdaMART with `labels` as gains, float64 of shape (rows,), NaN where there is none."""
    gains = {
        (each.query, each.period): own
        for each, own in zip(clicked.tables.queries, _by_query(clicked, labels), strict=True)
    }

    def fit(part: ClickedTables, start: Linear, rounds: int, stop: Stop | None) -> Trees:
        own = np.concatenate([gains[each.query, each.period] for each in part.tables.queries])
        tables = with_gains(part.tables, own)
        trees = replace(settings.trees, rounds=rounds, seed=settings.seed)
        validation, patience = (stop.validation, stop.patience) if stop else (None, None)
        return fit_trees(tables, start.scores(tables.values), trees, validation, patience)

    return grow(clicked, labels, settings, fit, from_linear)


def _by_query(clicked: ClickedTables, labels: Values) -> list[Values]:
    return np.split(labels, clicked.tables.offsets[1:-1])


def _doubly_robust(clicked: ClickedTables, settings: LearnerSettings) -> Values:
    """Labels whose regression never saw the query that it labels (cross-fitting, Chernozhukov et
    al. 2018): half of the queries' rates are expected by what the other half taught."""
    expected = np.zeros(len(clicked.tables.query))
    for fold in folds(tuple(dict.fromkeys(clicked.tables.texts)), 2, settings.seed):
        regression = Poisson().fit(clicked.only(fold.train), settings)
        own = np.isin(clicked.tables.query, _places(clicked, fold.test))
        expected[own] = regression.rates(clicked.tables.values[own])
    return dr_labels(clicked, expected, settings.clip)


def _places(clicked: ClickedTables, texts: tuple[str, ...]) -> Values:
    wanted = set(texts)
    return np.array([i for i, text in enumerate(clicked.tables.texts) if text in wanted])


NAIVE = LambdaMart(
    "naive",
    "never on its own: clicks as they are, what every correction must beat",
    lambda clicked, _: naive_labels(clicked),
)
EB_LABELS = LambdaMart(
    "eb-labels",
    "the usual choice: rates shrunk by how little is known; mixes with human judgments",
    lambda clicked, _: eb_labels(clicked),
)
DR_LABELS = LambdaMart(
    "dr-labels",
    "many products seen only far down, where a click would count a hundredfold",
    _doubly_robust,
)
