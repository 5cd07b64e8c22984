"""What features add to trees' scores: LightGBM's own numbers, in a fraction of its time."""

from __future__ import annotations

import time
from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rankers.tree_shap import ForestShap
from rankers.trees import Forest
from search.errors import BadInput
from tests.rankers.test_trees import QUIET, learned, table


def assert_lightgbms(booster: lgb.Booster, values: NDArray[np.float32]) -> None:
    forest = Forest.read(booster.model_to_string(), values.shape[1])
    shap = ForestShap.of(forest)
    found = shap.contributions(values)
    expected = np.asarray(booster.predict(values, pred_contrib=True, num_threads=1))
    np.testing.assert_allclose(found, expected[:, :-1], atol=1e-9, rtol=0)
    assert shap.base == pytest.approx(expected[0, -1], abs=1e-9)
    np.testing.assert_allclose(found.sum(1) + shap.base, forest.score(values), atol=1e-9, rtol=0)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    unknown=st.sampled_from([0.0, 0.2, 0.6]),
    zeros=st.sampled_from([0.0, 0.3]),
    leaves=st.integers(2, 80),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    bagged=st.booleans(),
    rows=st.integers(1, 30),
)
def test_contributions_are_lightgbms_own(
    seed: int,
    unknown: float,
    zeros: float,
    leaves: int,
    use_missing: bool,
    zero_as_missing: bool,
    bagged: bool,
    rows: int,
) -> None:
    """Unknown values, zeros and categories included; features tested again and again on a path."""
    booster = learned(
        table(seed, 300, unknown, zeros),
        num_leaves=leaves,
        use_missing=use_missing,
        zero_as_missing=zero_as_missing,
        bagging_fraction=0.5 if bagged else 1.0,
        bagging_freq=1,
    )
    assert_lightgbms(booster, table(seed + 1, rows, 0.3, 0.2))


def test_long_paths_of_many_features_stay_exact() -> None:
    drawn = np.random.default_rng(3)
    values = drawn.normal(size=(2000, 40)).astype(np.float32)
    # Each feature tells a little of what the others left: leaves lie as deep as there are features.
    gains = (2.0 ** -np.arange(40) * (values > 1)).sum(1) * 1e3
    options = {"objective": "regression", "num_leaves": 120, **QUIET, "min_data_in_leaf": 1}
    booster = lgb.train(options, lgb.Dataset(values, gains), 5)
    shap = ForestShap.of(Forest.read(booster.model_to_string(), 40))
    assert shap.points.max() >= 5
    assert_lightgbms(booster, values[:50])


def test_trees_of_one_leaf_add_nothing_to_what_all_share() -> None:
    values = np.ones((50, 6), np.float32)
    booster = lgb.train(
        {"objective": "regression", **QUIET},
        lgb.Dataset(values, np.full(50, 2.5), params=QUIET),
        3,
    )
    assert_lightgbms(booster, values)
    shap = ForestShap.of(Forest.read(booster.model_to_string(), 6))
    assert shap.contributions(values[:0]).shape == (0, 6)


def test_rows_that_no_training_row_was_like_are_explained_all_the_same() -> None:
    """A count of nothing, as refitting leaves behind, divides nothing by nothing."""
    text = str(learned(table(1, 300, 0.1, 0.1), rounds=1, num_leaves=3).model_to_string())
    counts = next(line for line in text.split("\n") if line.startswith("leaf_count="))
    zeros = counts.replace(counts.split("=")[1].split()[0], "0", 1)
    shap = ForestShap.of(Forest.read(text.replace(counts, zeros), 6))
    assert np.isfinite(shap.contributions(table(2, 20, 0.2, 0.1))).all()


@pytest.mark.parametrize("count", ["-3", "nan", "inf"])
def test_counts_that_are_none_are_refused(count: str) -> None:
    text = str(learned(table(1, 300, 0.1, 0.1), rounds=1, num_leaves=3).model_to_string())
    line = next(line for line in text.split("\n") if line.startswith("leaf_count="))
    broken = line.replace(line.split("=")[1].split()[0], count, 1)
    with pytest.raises(BadInput, match="tree 0: a count"):
        Forest.read(text.replace(line, broken), 6)


@pytest.mark.slow
def test_explaining_a_page_takes_a_fraction_of_what_lightgbm_takes() -> None:
    drawn = np.random.default_rng(0)
    values = drawn.normal(size=(3000, 60)).astype(np.float32)
    gains = values @ drawn.normal(size=60) + drawn.normal(size=3000)
    options = {"objective": "regression", "num_leaves": 31, **QUIET}
    booster = lgb.train(options, lgb.Dataset(values, gains), 100)
    shap = ForestShap.of(Forest.read(booster.model_to_string(), 60))
    page = values[:24]
    ours = least(lambda: shap.contributions(page))
    theirs = least(lambda: booster.predict(page, pred_contrib=True, num_threads=1))
    assert ours < theirs / 4


def least(call: Callable[[], object]) -> float:
    spent = []
    for _ in range(10):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return min(spent)
