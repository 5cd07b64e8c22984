"""`native`: LightGBM's own position bias, s = f(features) + g(position), a number per position.

It is a pairwise two-tower model, not the position-based click model (LightGBM 4.1 and later,
`Dataset(position=…)`): with a strong logging ranker g becomes far too steep, for relevance leaks
into position. What silently breaks it is refused: `Dataset.subset`, `lightgbm.cv` and
`LGBMRanker.fit` drop positions, `rank_xendcg` ignores them, bagging by query corrupts g.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from search.errors import BadInput
from training.learners.boosting import Stop, boost, from_fused, grow, parameters
from training.learners.clicked import ClickedTables
from training.learners.labels import LEVELS, eb_labels
from training.learners.seams import LearnerSettings
from training.linear import Linear
from training.scorers import Scorer
from training.tables import Values
from training.trees import Trees

MOST_ROWS = 10_000
"""The most rows of one query that LightGBM takes."""
_WEIGHT = 10.0
"""Impressions that the usual click-through rate of a position counts as."""


@dataclass(frozen=True, slots=True)
class Native:
    """LightGBM's two-tower LambdaMART."""

    name: str = "native"
    when: str = "to compare with LightGBM's own correction, where the logging ranker is weak"

    def __call__(self, clicked: ClickedTables, settings: LearnerSettings) -> Scorer:
        """See `Learner`."""

        def fit(part: ClickedTables, start: Linear, rounds: int, stop: Stop | None) -> Trees:
            return _fit(part, start, rounds, stop, settings)

        return grow(clicked, eb_labels(clicked), settings, fit, from_fused)


def refuse_traps(asked: dict[str, Any]) -> None:
    """Raises:
    BadInput: parameters under which LightGBM ignores or spoils positions.
    """
    if asked.get("objective") != "lambdarank":
        raise BadInput(
            f"LightGBM ignores positions under the objective {asked.get('objective')!r}; native"
            " learns with 'lambdarank' alone",
            field="learner",
        )
    for name, neutral in (("bagging_fraction", 1.0), ("bagging_freq", 0)):
        if asked.get(name, neutral) != neutral or asked.get("bagging_by_query"):
            raise BadInput(
                "bagging spoils LightGBM's position bias; leave bagging off to learn with native",
                field="learner",
            )


def _fit(
    clicked: ClickedTables, start: Linear, rounds: int, stop: Stop | None, settings: LearnerSettings
) -> Trees:
    tables = clicked.tables
    order = np.lexsort((clicked.cells.positions, clicked.cells.rows))
    cells = clicked.cells.where(order)
    rows = cells.rows
    sizes = np.bincount(tables.query[rows], minlength=len(tables))
    if sizes.max(initial=0) > MOST_ROWS:
        raise BadInput(
            f"a query has {sizes.max():,} pairs of product and position, LightGBM takes"
            f" {MOST_ROWS:,}; learn with eb-labels",
            field="learner",
        )
    labels, gains = _grades(clicked, order)
    asked = parameters(
        tables,
        settings,
        objective="lambdarank",
        label_gain=gains.tolist(),
        lambdarank_truncation_level=settings.trees.truncation,
    )
    refuse_traps(asked)
    data = lightgbm.Dataset(
        tables.values[rows],
        label=labels,
        group=sizes[sizes > 0],
        position=np.unique(cells.positions, return_inverse=True)[1].astype(np.int32),
        init_score=start.scores(tables.values[rows]),
        categorical_feature=list(tables.schema.categories),
        params=asked,
    )
    return boost(asked, data, rounds, stop)


def _grades(clicked: ClickedTables, order: np.ndarray) -> tuple[np.ndarray, Values]:
    """Each cell's click-through rate, shrunk to its position's and rounded to grades, and the rate
    of each grade: every label has a gain."""
    cells = clicked.cells.where(order)
    _, places = np.unique(cells.positions, return_inverse=True)
    shown = np.bincount(places, cells.impressions)
    usual = np.bincount(places, cells.clicks) / np.maximum(shown, 1e-12)
    prior = usual[places]
    rates = (_WEIGHT * prior + cells.clicks) / (_WEIGHT + cells.impressions)
    top = float(rates.max(initial=0.0)) or 1.0
    grades = np.round(rates / top * (LEVELS - 1)).astype(np.int32)
    return grades, np.arange(LEVELS) / (LEVELS - 1) * 100.0
