"""A/B tests: the split before any effect, each metric by units, arms against the first."""

from __future__ import annotations

import numpy as np
import pytest

from eval.experiments.ab import LATENCY_P99, METRICS, Units, analyze


def units_of(
    rng: np.random.Generator,
    count: int,
    effects: tuple[float, ...] = (1.0, 1.0),
    slower: float = 0.0,
) -> Units:
    """Units with one search each; an arm's clicks are at its effect times .4."""
    arms = tuple("abcd"[: len(effects)])
    arm = rng.integers(len(arms), size=count).astype(np.int8)
    clicks = rng.poisson(0.4 * np.array(effects)[arm]).astype(np.float64)
    one = np.ones(count)
    spent = rng.exponential(10, count) + 5 + slower * arm
    measures = {
        "searches": one, "pages": one, "clicks": clicks, "purchases": 0 * one,
        "converted": 0 * one, "revenue": 0 * one, "without_hits": 0 * one, "milliseconds": spent,
    }  # fmt: skip
    of_unit = np.arange(count, dtype=np.int64)
    return Units(arms, arm, np.arange(float(count)), measures, {}, spent, of_unit)


def test_a_broken_split_hides_every_effect() -> None:
    units = units_of(np.random.default_rng(1), 4_000, (1.0, 2.0))
    found = analyze(units, (3.0, 1.0))
    assert found.split.failed
    assert not found.effects
    assert not found.paths


def test_more_clicks_are_found_and_what_did_not_happen_says_nothing() -> None:
    units = units_of(np.random.default_rng(2), 6_000, (1.0, 1.3))
    found = analyze(units, (1.0, 1.0))
    assert set(found.effects) == {*METRICS, LATENCY_P99}
    clicks = found.effects["clicks_per_search"]["b"]
    assert clicks.at is not None
    assert clicks.low is not None
    assert clicks.low > 0
    assert clicks.relative == pytest.approx(clicks.delta / clicks.baseline)
    assert clicks.differs
    assert found.effects["revenue"]["b"].low is None
    assert found.effects["revenue"]["b"].relative is None
    assert not found.effects["latency_mean"]["b"].differs


def test_slower_answers_are_found_in_the_mean_and_the_p99() -> None:
    units = units_of(np.random.default_rng(3), 8_000, slower=40.0)
    found = analyze(units, (1.0, 1.0))
    assert found.effects["latency_mean"]["b"].delta == pytest.approx(40, abs=2)
    slowest = found.effects[LATENCY_P99]["b"]
    assert slowest.differs
    assert slowest.low is not None
    assert slowest.low > 10


def test_several_arms_share_the_error_of_what_decides() -> None:
    units = units_of(np.random.default_rng(4), 3_000, (1.0, 1.0, 1.0))
    found = analyze(units, (1.0, 1.0, 1.0), alpha=0.06)
    two = analyze(units, (1.0, 1.0, 1.0), alpha=0.03)
    assert found.effects["clicks_per_search"]["c"].alpha == pytest.approx(0.03)
    assert found.effects["conversion"]["c"].alpha == pytest.approx(0.06)
    wide, narrow = two.effects["clicks_per_search"]["c"], found.effects["clicks_per_search"]["c"]
    assert wide.high is not None
    assert narrow.high is not None
    assert wide.high > narrow.high


def test_no_units_and_units_of_one_arm_are_no_error() -> None:
    none = analyze(units_of(np.random.default_rng(5), 0), (1.0, 1.0))
    assert none.effects["clicks_per_search"]["b"].low is None
    few = units_of(np.random.default_rng(6), 3)
    found = analyze(few, (1.0, 1.0))
    assert not found.split.failed
    assert found.effects[LATENCY_P99]["b"].low is None
