"""LambdaMART on our gains, our metric, from scores that already order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.made import NAMES, made
from training.linear import prepare
from training.measures import yardstick
from training.trees import (
    MOST_LEVELS,
    TreeSettings,
    Validation,
    best_round,
    fit_trees,
    gain_levels,
    training_rows,
)

QUICK = TreeSettings(rounds=20, least_rows=10)


@given(st.lists(st.sampled_from([np.nan, 0.0, 0.01, 0.1, 1.0, 2.33]), min_size=1, max_size=50))
def test_levels_give_every_gain_back_in_proportion(gains: list[float]) -> None:
    column = np.array(gains)
    levels, rows = gain_levels(column)
    known = np.nan_to_num(column)
    highest = known.max()
    assert levels[0] == 0
    if highest > 0:
        assert levels[rows] * highest / 100 == pytest.approx(known)


def test_very_many_gains_are_rounded_not_refused() -> None:
    gains = np.random.default_rng(0).random(5000)
    levels, rows = gain_levels(gains)
    assert len(levels) <= MOST_LEVELS
    assert levels[rows] * gains.max() / 100 == pytest.approx(gains, abs=1 / 500)


def test_validation_measures_what_serving_will_score() -> None:
    train, other = made(30, seed=1), made(20, seed=2)
    prior = prepare(train, 0).prior
    validation = Validation(yardstick(other), prior.scores(other.values))
    trees = fit_trees(train, prior.scores(train.values), QUICK, validation)
    for rounds in (1, 7, 20):
        added = replace(trees, rounds=rounds).scores(other.values)
        served = yardstick(other).ndcg(prior.scores(other.values) + added).mean()
        assert trees.curve[rounds - 1].mean() == pytest.approx(served, abs=1e-12)


def test_they_find_what_the_fused_order_misses() -> None:
    train, other = made(60, seed=1), made(60, seed=2)
    prior = prepare(train, 0).prior
    trees = fit_trees(train, prior.scores(train.values), replace(QUICK, rounds=60))
    measured = yardstick(other)
    scores = prior.scores(other.values) + trees.scores(other.values)
    assert (measured.ndcg(scores) - measured.ndcg(other.fused)).mean() > 0.1
    assert np.argmax(trees.gains()) == NAMES.index("knows")


def test_a_better_value_never_lowers_the_score() -> None:
    train = made(40)
    trees = fit_trees(train, prepare(train, 0).prior.scores(train.values), QUICK)
    rows = np.repeat(train.values[:1], 50, axis=0)
    rows[:, NAMES.index("knows")] = np.linspace(-3, 3, 50)
    assert (np.diff(trees.scores(rows)) >= 0).all()
    rows[:, NAMES.index("opposite")] = np.linspace(3, -3, 50)
    assert (np.diff(trees.scores(rows)) >= 0).all()


def test_the_same_seed_grows_the_same_trees() -> None:
    train = made(30)
    start = prepare(train, 0).prior.scores(train.values)
    texts = {fit_trees(train, start, QUICK).text() for _ in range(2)}
    assert len(texts) == 1
    assert fit_trees(train, start, replace(QUICK, seed=5)).text() not in texts


def test_unjudged_rows_are_left_out_when_they_count_for_nothing() -> None:
    tables = made(10)
    judged = np.flatnonzero(~np.isnan(tables.gains))
    assert training_rows(tables, TreeSettings(unjudged=0.0)).tolist() == judged.tolist()
    assert len(training_rows(tables, TreeSettings(unjudged=0.1))) == len(tables.query)


def test_a_chance_spike_is_not_the_best_round() -> None:
    curve = np.concatenate([np.linspace(0.5, 0.6, 30), np.full(30, 0.6), np.linspace(0.6, 0.5, 30)])
    curve[80] = 0.62
    assert 28 <= best_round(curve) <= 62
