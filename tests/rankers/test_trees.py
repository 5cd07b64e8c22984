"""The kernel scores as LightGBM does: the very same numbers, whatever is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rankers.tree_text import read_trees
from rankers.trees import Forest
from search.errors import BadInput

QUIET = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 3, "min_data_per_group": 3}
CATEGORIES = (4, 5)


def table(seed: int, rows: int, unknown: float, zeros: float) -> NDArray[np.float32]:
    """Four numbers and two categories, some unknown, some zero."""
    drawn = np.random.default_rng(seed)
    values = drawn.normal(size=(rows, 6))
    values[:, 4] = drawn.integers(0, 80, rows)
    values[:, 5] = drawn.integers(-2, 6, rows)
    values[drawn.random(values.shape) < zeros] = 0
    values[drawn.random(values.shape) < unknown] = np.nan
    return values.astype(np.float32)


def learned(values: NDArray[np.float32], rounds: int = 5, **given: Any) -> lgb.Booster:
    known = np.nan_to_num(values.astype(np.float64))
    gains = (
        known[:, 0] * known[:, 1] + known[:, 2] + (known[:, 4] % 3 == 1) - np.isnan(values[:, 3])
    )
    categorical = given.pop("categorical_feature", list(CATEGORIES))
    data = lgb.Dataset(values, gains, categorical_feature=categorical, params=QUIET)
    return lgb.train({"objective": "regression", **QUIET, **given}, data, rounds)


def assert_same(booster: lgb.Booster, values: NDArray[np.float32]) -> None:
    """By tests on all rows, where the trees' leaves are few, and by walking the trees."""
    forest = Forest.read(booster.model_to_string(), values.shape[1])
    expected = booster.predict(values, raw_score=True, num_threads=1)
    np.testing.assert_array_equal(forest.score(values), expected)
    np.testing.assert_array_equal(replace(forest, masks=None).score(values), expected)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    unknown=st.sampled_from([0.0, 0.2, 0.6]),
    zeros=st.sampled_from([0.0, 0.3]),
    leaves=st.integers(2, 40),
    use_missing=st.booleans(),
    zero_as_missing=st.booleans(),
    monotone=st.booleans(),
    rows=st.integers(1, 40),
)
def test_scores_are_lightgbms_own(
    seed: int,
    unknown: float,
    zeros: float,
    leaves: int,
    use_missing: bool,
    zero_as_missing: bool,
    monotone: bool,
    rows: int,
) -> None:
    booster = learned(
        table(seed, 300, unknown, zeros),
        num_leaves=leaves,
        use_missing=use_missing,
        zero_as_missing=zero_as_missing,
        monotone_constraints=[1, 0, 1, -1, 0, 0] if monotone else None,
    )
    assert_same(booster, table(seed + 1, rows, 0.3, 0.2))


def test_values_at_beside_and_far_from_a_threshold_fall_on_the_same_side() -> None:
    values = table(3, 400, 0.1, 0.1)
    booster = learned(values, num_leaves=31)
    trees = read_trees(booster.model_to_string(), 6)
    cuts = [
        (feature, cut)
        for tree in trees
        for feature, cut in zip(tree.features, tree.thresholds, strict=True)
        if feature not in CATEGORIES
    ]
    probes: list[NDArray[np.float32]] = []
    for feature, cut in cuts:
        at = np.float32(cut)
        for near in (at, np.nextafter(at, np.float32(9)), np.nextafter(at, np.float32(-9))):
            probe = values[len(probes) % len(values)].copy()
            probe[feature] = near
            probes.append(probe)
    extremes = (np.inf, -np.inf, 1e-36, -1e-36, 1e-35, 3e38, -0.0, np.nan, 2.0**31, -1, 0.5, 79.5)
    for extreme in extremes:
        probes += [np.full(6, extreme, np.float32)]
    rows = np.array(probes, np.float32)
    assert_same(booster, rows)
    # Few rows, or rows that are alike, are mostly told by the bounds of their columns.
    forest = Forest.read(booster.model_to_string(), 6)
    together = forest.score(rows)
    for few in (1, 2, 3):
        parts = [forest.score(rows[i : i + few]) for i in range(0, len(rows), few)]
        assert np.concatenate(parts).tobytes() == together.tobytes()


def test_an_unknown_value_goes_where_training_sent_it() -> None:
    values = np.zeros((90, 6), np.float32)
    values[:30, 0], values[30:60, 0], values[60:, 0] = 1, -1, np.nan
    for unknown_is in (1.0, -1.0):
        gains = np.concatenate([np.full(30, 1.0), np.full(30, -1.0), np.full(30, unknown_is)])
        booster = lgb.train({"objective": "regression", **QUIET}, lgb.Dataset(values, gains), 1)
        known = Forest.read(booster.model_to_string(), 6).score(values)
        assert known[60] == known[0 if unknown_is > 0 else 30]
        assert_same(booster, values)


def test_trees_of_one_leaf_and_no_trees_at_all_are_constant() -> None:
    values = np.ones((50, 6), np.float32)
    data = lgb.Dataset(values, np.full(50, 2.5), params=QUIET)
    constant = lgb.train({"objective": "regression", **QUIET}, data, 3)
    assert_same(constant, values)
    assert len(set(Forest.read(constant.model_to_string(), 6).score(values))) == 1


@pytest.mark.parametrize("leaves", [31, 32, 33])
def test_as_many_leaves_as_a_mask_holds_are_scored_without_walking(leaves: int) -> None:
    values = table(3, 600, 0.2, 0.1)
    booster = learned(values, rounds=2, num_leaves=leaves)
    assert (Forest.read(booster.model_to_string(), 6).masks is not None) == (leaves <= 32)
    assert_same(booster, values)


@pytest.mark.parametrize("objective", ["lambdarank", "rank_xendcg"])
def test_a_ranker_learned_in_groups_scores_the_same(objective: str) -> None:
    values = table(8, 400, 0.2, 0.1)
    gains = np.clip(np.nan_to_num(values[:, 0]) * 2 + 2, 0, 4).astype(int)
    data = lgb.Dataset(values, gains, group=[20] * 20, params=QUIET)
    booster = lgb.train({"objective": objective, **QUIET}, data, 20)
    assert_same(booster, values)


def test_rows_are_scored_alone_whatever_is_beside_them() -> None:
    values = table(5, 37, 0.3, 0.1)
    forest = Forest.read(learned(table(5, 300, 0.2, 0.1)).model_to_string(), 6)
    alone = np.concatenate([forest.score(values[row : row + 1]) for row in range(37)])
    np.testing.assert_array_equal(forest.score(values), alone)
    assert len(forest.score(values[:0])) == 0


def text_of() -> str:
    return str(learned(table(1, 300, 0.1, 0.1), rounds=3, num_leaves=7).model_to_string())


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("tree\n", "bush\n", "do not begin"),
        ("num_class=1", "num_class=3", "several classes"),
        ("max_feature_idx=5", "max_feature_idx=6", "trained on 7 features"),
        ("end of trees", "", "end before their end"),
        ("Tree=1\n", "Tree=7\n", "tree 1 is missing"),
        ("is_linear=0", "is_linear=1", "linear tree"),
        ("left_child=", "left_child=0 ", "left_child has 7 entries, 6 expected"),
        ("split_feature=", "other=", "split_feature"),
        ("label_index=0", "label_index=0\naverage_output", "averaged"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name(old: str, new: str, told: str) -> None:
    text = text_of()
    assert old in text
    with pytest.raises(BadInput, match=told):
        Forest.read(text.replace(old, new), 6)


@settings(max_examples=200)
@given(data=st.data())
def test_a_damaged_text_is_refused_or_scored_but_never_walks_astray(data: st.DataObject) -> None:
    text = TEXT[: TEXT.index("feature_importances")]
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.sampled_from(["9", "-", "1", " ", "", "\n", "7 ", "nan"]))
    try:
        forest = Forest.read(text[:at] + put + text[at + 1 :], 6)
    except BadInput:
        return
    assert len(forest.score(table(2, 9, 0.2, 0.1))) == 9


TEXT = text_of()


def test_one_cut_off_anywhere_is_refused() -> None:
    end = TEXT.index("end of trees")
    for at in range(0, end, 97):
        with pytest.raises(BadInput):
            Forest.read(TEXT[:at], 6)
