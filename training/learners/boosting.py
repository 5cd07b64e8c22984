"""Boosted trees whatever the loss: started from the fused order, stopped by our own nDCG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np

from eval import folds
from training.learners.clicked import ClickedTables, with_gains
from training.learners.seams import LearnerSettings
from training.linear import Linear, LinearSettings, fit_linear, prepare
from training.measures import yardstick
from training.scorers import Scorer
from training.tables import Tables, Values
from training.trees import Trees, Validation, best_round

HELD_OUT = 5
"""One query in so many is held out to find when to stop."""
FEWEST = 25
"""With fewer queries than that none is held out, and half of the rounds are grown."""
Fit = Callable[[ClickedTables, Linear, int, "Stop | None"], Trees]
"""Grows at most so many trees on these queries, on top of a linear ranker."""
Begin = Callable[[Tables, LearnerSettings], Linear]
"""What trees are grown on, given what is to be learned as gains."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Growing stops by these queries when `patience` rounds brought nothing."""

    validation: Validation
    patience: int


def grow(
    clicked: ClickedTables, labels: Values, settings: LearnerSettings, fit: Fit, begin: Begin
) -> Scorer:
    """Finds the number of trees on held-out queries, by nDCG@10 with `labels` (shape (rows,), NaN
    where unknown) as gains, then grows as many on all of them."""
    tables = with_gains(clicked.tables, labels)
    start = begin(tables, settings)
    rounds = _rounds(clicked, tables, settings, fit, begin)
    if not rounds:
        return Scorer(start)
    return Scorer(start, fit(clicked, start, rounds, None), 1.0)


def from_fused(tables: Tables, settings: LearnerSettings) -> Linear:
    """The fused order, as steep as the gains say."""
    return prepare(tables, settings.seed).prior


def from_linear(tables: Tables, settings: LearnerSettings) -> Linear:
    """The linear ranker of the same gains, whose prior is the fused order."""
    asked = LinearSettings(settings.penalty, unjudged=0.0)
    return fit_linear(prepare(tables, settings.seed), asked)


def _rounds(
    clicked: ClickedTables, tables: Tables, settings: LearnerSettings, fit: Fit, begin: Begin
) -> int:
    """How many trees to grow; 0 when the start itself was best."""
    most = settings.trees.rounds
    texts = tuple(dict.fromkeys(tables.texts))
    if len(texts) < FEWEST:
        return most // 2
    fold = folds(texts, HELD_OUT, settings.seed)[0]
    train, held = tables.only(fold.train), tables.only(fold.test)
    start = begin(train, settings)
    validation = Validation(yardstick(held), start.scores(held.values))
    trees = fit(clicked.only(fold.train), start, most, Stop(validation, settings.patience))
    curve = trees.curve.mean(axis=1)
    before = float(validation.yardstick.ndcg(validation.start).mean())
    best = best_round(curve)
    return best if curve[best - 1] >= before else 0


def boost(
    parameters: dict[str, Any], data: lightgbm.Dataset, rounds: int, stop: Stop | None
) -> Trees:
    """LightGBM's boosting, with our nDCG instead of its own: LightGBM scores a query without
    positives 1 and breaks ties by the order of rows."""
    if stop is None:
        booster = lightgbm.train(parameters, data, num_boost_round=rounds)
        return Trees(booster, booster.current_iteration())
    curve: list[Values] = []
    tables = stop.validation.yardstick.tables
    held = lightgbm.Dataset(
        tables.values,
        label=np.zeros(len(tables.query)),
        group=np.diff(tables.offsets),
        init_score=stop.validation.start,
        reference=data,
    )
    booster = lightgbm.train(
        parameters,
        data,
        num_boost_round=rounds,
        valid_sets=[held],
        feval=lambda scores, _: stop.validation.measure(scores, curve),
        callbacks=[lightgbm.early_stopping(stop.patience, verbose=False)],
    )
    measured = np.stack(curve)
    return Trees(booster, best_round(measured.mean(axis=1)), measured)


def parameters(tables: Tables, settings: LearnerSettings, **of_loss: Any) -> dict[str, Any]:
    """LightGBM's parameters without those of the ranking objective, and those of another loss."""
    found = replace(settings.trees, seed=settings.seed).parameters(tables.schema, np.zeros(1))
    ranking = ("objective", "label_gain", "eval_at", "lambdarank_truncation_level")
    return {name: value for name, value in found.items() if name not in ranking} | of_loss
