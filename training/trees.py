"""LambdaMART by LightGBM, started from scores that already order well (Burges 2010).

LightGBM knows whole-number labels: gains become levels, and `label_gain` gives each level back its
gain, so that what is optimized is nDCG with the gains as judged. It learns what to add to the
scores it starts from and does not add them back when predicting: whoever uses the trees must.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from training.measures import CUTOFFS, Yardstick
from training.pairs import SAMPLED, unjudged_sample
from training.tables import Rows, Schema, Tables, Values

MOST_LEVELS = 256
"""More distinct gains than that are rounded to so many steps."""
_SMOOTHED = 5
"""Rounds over which a curve is averaged before its peak is looked for."""


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """`rounds` is the most trees; `unjudged` the weight of rows that nobody judged, taken for gain
    0; they are left out when it is 0. `truncation` is how many places count while learning. The
    rest are LightGBM's `num_leaves`, `learning_rate`, `min_data_in_leaf`, `lambda_l2`,
    `feature_fraction` and `max_bin`."""

    leaves: int = 6
    learning_rate: float = 0.07
    least_rows: int = 50
    penalty: float = 10.0
    features: float = 0.5
    truncation: int = 15
    rounds: int = 100
    unjudged: float = 0.2
    bins: int = 63
    seed: int = 0

    def parameters(self, schema: Schema, levels: Values) -> dict[str, Any]:
        """LightGBM's parameters; the same on every run and machine with the same LightGBM."""
        directions = schema.directions.astype(int)
        directions[list(schema.categories)] = 0
        return {
            "objective": "lambdarank",
            "label_gain": levels.tolist(),
            "eval_at": list(CUTOFFS),
            "metric": "None",
            "monotone_constraints": directions.tolist(),
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.least_rows,
            "lambda_l2": self.penalty,
            "feature_fraction": self.features,
            "lambdarank_truncation_level": self.truncation,
            "max_bin": self.bins,
            "seed": self.seed,
            **FIXED,
        }


FIXED: dict[str, Any] = {
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "feature_pre_filter": False,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Validation:
    """Queries that are not trained on, and the scores they begin from, shape (rows,)."""

    yardstick: Yardstick
    start: Values

    def measure(self, scores: Values, curve: list[Values]) -> tuple[str, float, bool]:
        """Our nDCG of LightGBM's scores (which include `start`), noted in `curve`."""
        values = self.yardstick.ndcg(scores)
        curve.append(values)
        return "ndcg", float(values.mean()), True


@dataclass(frozen=True, slots=True)
class Trees:
    """Trained trees, of which the first `rounds` count. `curve` is the nDCG of each validation
    query after each round, float64 of shape (rounds, queries), empty without any."""

    booster: lightgbm.Booster
    rounds: int
    curve: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))

    def scores(self, values: NDArray[np.float32]) -> Values:
        """The sum of the trees' leaves, float64 of shape (rows,)."""
        found = self.booster.predict(values, raw_score=True, num_iteration=self.rounds)
        return np.asarray(found, np.float64)

    def text(self) -> str:
        """LightGBM's own text of them."""
        return str(self.booster.model_to_string(num_iteration=self.rounds))

    def gains(self) -> Values:
        """What splits on each feature gained in all, shape (features,)."""
        found = self.booster.feature_importance("gain", iteration=self.rounds)
        return np.asarray(found, np.float64)


def fit_trees(
    tables: Tables,
    start: Values,
    settings: TreeSettings,
    validation: Validation | None = None,
    patience: int | None = None,
) -> Trees:
    """Trains on `start`, the scores to begin from, shape (rows,).

    With `validation`, training stops when its nDCG has not risen for `patience` rounds, and
    `rounds` is where it was best.
    """
    levels, labels = gain_levels(tables.gains)
    rows = training_rows(tables, settings)
    parameters = settings.parameters(tables.schema, levels)
    unjudged = np.isnan(tables.gains[rows])
    data = lightgbm.Dataset(
        tables.values[rows],
        label=labels[rows],
        group=_sizes(tables.query[rows]),
        weight=np.where(unjudged, settings.unjudged, 1.0),
        init_score=start[rows],
        categorical_feature=list(tables.schema.categories),
        params=parameters,
    )
    if validation is None:
        booster = lightgbm.train(parameters, data, num_boost_round=settings.rounds)
        return Trees(booster, booster.current_iteration())
    curve: list[Values] = []
    booster = lightgbm.train(
        parameters,
        data,
        num_boost_round=settings.rounds,
        valid_sets=[_held_out(validation, data)],
        feval=lambda scores, _: validation.measure(scores, curve),
        callbacks=[lightgbm.early_stopping(patience, verbose=False)] if patience else [],
    )
    measured = np.stack(curve)
    return Trees(booster, best_round(measured.mean(axis=1)), measured)


def _held_out(validation: Validation, data: lightgbm.Dataset) -> lightgbm.Dataset:
    tables = validation.yardstick.tables
    return lightgbm.Dataset(
        tables.values,
        label=np.zeros(len(tables.query)),
        group=_sizes(tables.query),
        init_score=validation.start,
        reference=data,
    )


def _sizes(query: Rows) -> Rows:
    sizes = np.bincount(query)
    return sizes[sizes > 0]


def best_round(curve: Values) -> int:
    """The number of rounds after which a curve peaks, smoothed, so that no chance spike wins."""
    return int(np.argmax(smoothed(curve))) + 1


def smoothed(curve: Values) -> Values:
    """Each round's value averaged with its neighbors', shape (rounds,)."""
    width = min(_SMOOTHED, len(curve))
    padded = np.pad(curve, (width // 2, (width - 1) // 2), mode="edge")
    return np.asarray(np.convolve(padded, np.ones(width) / width, "valid"), np.float64)


def gain_levels(gains: Values) -> tuple[Values, NDArray[np.int32]]:
    """The gain of each level, ascending and scaled so that the largest is 100, and each row's
    level; 0 where nobody judged. Level 0 is gain 0."""
    known = np.nan_to_num(gains)
    highest = max(float(known.max(initial=0.0)), 1e-12)
    levels = np.union1d(known, [0.0])
    if len(levels) > MOST_LEVELS:
        known = np.round(known / highest * (MOST_LEVELS - 1)) * highest / (MOST_LEVELS - 1)
        levels = np.union1d(known, [0.0])
    return levels / highest * 100, np.searchsorted(levels, known).astype(np.int32)


def training_rows(tables: Tables, settings: TreeSettings) -> Rows:
    """The judged rows, and unless they count for nothing, some unjudged of each query."""
    rows = [np.flatnonzero(~np.isnan(tables.gains))]
    if settings.unjudged > 0:
        for i, each in enumerate(tables.queries):
            rows.append(tables.offsets[i] + unjudged_sample(each, settings.seed, SAMPLED))
    return np.sort(np.concatenate(rows))
