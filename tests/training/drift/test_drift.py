"""Drift is seen where there is some, and not where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from training.drift import (
    Distribution,
    Limits,
    Window,
    compare_windows,
    draw_drift,
    kolmogorov_smirnov,
    stability_index,
)
from training.drift.measures import binned

NAMES = tuple(f"f{i}" for i in range(10))


def window(
    seed: int,
    shift: Sequence[float] = (),
    queries: Sequence[str] = ("a", "b", "c"),
    count: int = 2000,
    unknown: float = 0.0,
) -> Window:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, len(NAMES))).astype(np.float32)
    values[:, : len(shift)] += np.array(shift, np.float32)
    values[rng.random(values.shape) < unknown] = np.nan
    asked = tuple(rng.choice(queries, count))
    totals = rng.integers(1, 100, count).astype(np.float64)
    return Window(0.0, 1.0, NAMES, values, np.nan_to_num(values).sum(1) * 1.0, asked, totals)


def test_two_samples_of_the_same_are_stable() -> None:
    for seed in range(20):
        drift = compare_windows(window(2 * seed), window(2 * seed + 1))
        assert not drift.retrain
        assert "No drift" in drift.sentence
        assert max(each.index for each in drift.features) < 0.05


def test_shifted_scores_ask_for_training_and_name_the_features() -> None:
    drift = compare_windows(window(0), window(1, shift=(3.0, 3.0)))
    assert drift.retrain
    assert "scores" in drift.sentence
    assert {each.name for each in drift.features[:2]} == {"f0", "f1"}
    assert [each.state for each in drift.features[:3]] == ["drifted", "drifted", "stable"]
    assert drift.features[0].now - drift.features[0].before == pytest.approx(3, abs=0.2)


def test_other_queries_ask_for_training() -> None:
    drift = compare_windows(window(0), window(1, queries=("x", "y")))
    assert drift.retrain
    assert drift.queries is not None
    assert drift.queries.state == "drifted"
    assert drift.queries.now == 1


def test_values_that_became_unknown_are_drift() -> None:
    drift = compare_windows(window(0), window(1, unknown=0.5))
    assert drift.features[0].state == "drifted"


def test_little_data_says_nothing() -> None:
    drift = compare_windows(window(0, count=50), window(1, shift=(9.0,), count=50))
    assert not drift.retrain
    assert "Too little" in drift.sentence


def test_what_was_not_logged_is_said() -> None:
    silent = replace(window(1), values=np.empty((0, len(NAMES)), np.float32), scores=np.empty(0))
    drift = compare_windows(window(0), silent)
    assert drift.features == ()
    assert "not logged" in drift.sentence


floats = st.lists(st.floats(-5, 5), min_size=10, max_size=60).map(np.array)


@given(floats, floats)
def test_the_distance_is_that_of_scipy(one: NDArray[np.float64], two: NDArray[np.float64]) -> None:
    expected = ks_2samp(one, two, method="asymp")
    unknown = np.array([np.nan])
    found = kolmogorov_smirnov(np.append(one, unknown), np.append(unknown, two))
    assert found == pytest.approx((expected.statistic, expected.pvalue))


@given(floats, floats)
def test_the_index_is_never_negative_and_zero_for_the_same(
    one: NDArray[np.float64], two: NDArray[np.float64]
) -> None:
    assert stability_index(*binned(one, two)) >= 0
    assert stability_index(*binned(one, one)) == 0


def test_the_index_is_the_textbook_sum() -> None:
    before = Distribution(np.array([0.2, 0.3, 0.5]), 10**9)
    now = Distribution(np.array([0.3, 0.3, 0.4]), 10**9)
    assert stability_index(before, now) == pytest.approx(
        0.1 * np.log(1.5) + 0.1 * np.log(1.25), abs=1e-6
    )


def test_the_picture_is_whole_and_says_what_drifted() -> None:
    drift = compare_windows(window(0), window(1, shift=(3.0,)))
    picture = draw_drift(drift)
    ElementTree.fromstring(picture)
    assert "f0" in picture
    assert drift.sentence in picture
    ElementTree.fromstring(draw_drift(compare_windows(window(0, count=5), window(1, count=5))))
    assert Limits().moved < Limits().drifted
