"""Differences of rates: what they are, how sure, and that looking often does no harm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.experiments.ratio import history, narrowing, quantile_interval
from eval.stopping import excludes_zero_at

Amounts = NDArray[np.float64]


def drawn(
    rng: np.random.Generator, shape: tuple[int, ...], effect: float = 1.0
) -> tuple[NDArray[np.bool_], Amounts, Amounts, Amounts]:
    """Units of two arms: which, clicks, searches, and earlier clicks less the usual; each shopper
    clicks at a rate of their own, the candidate's at `effect` times it."""
    candidate = rng.random(shape) < 0.5
    rate = rng.gamma(2.0, 0.2, shape)
    searches = rng.geometric(0.4, shape).astype(np.float64)
    clicks = rng.poisson(rate * searches * np.where(candidate, effect, 1.0)).astype(np.float64)
    before = np.asarray(rng.poisson(rate * 10) - 4.0, np.float64)
    return candidate, clicks, searches, before


def test_the_difference_and_its_error_are_those_of_the_delta_method() -> None:
    candidate, clicks, searches, _ = drawn(np.random.default_rng(1), (400,))
    found = narrowing(candidate, clicks, searches)
    rates, variance = [], 0.0
    for where in (~candidate, candidate):
        y, n = clicks[where].tolist(), searches[where].tolist()
        rate = sum(y) / sum(n)
        gaps = [(a - rate * b) / (sum(n) / len(n)) for a, b in zip(y, n, strict=True)]
        variance += sum(gap * gap for gap in gaps) / len(n) ** 2
        rates.append(rate)
    assert found.baseline[-1] == pytest.approx(rates[0])
    assert found.candidate[-1] == pytest.approx(rates[1])
    assert found.delta[-1] == pytest.approx(rates[1] - rates[0])
    assert found.error[-1] == pytest.approx(math.sqrt(variance))


@given(st.integers(0, 10_000))
def test_swapping_the_arms_turns_the_interval_around(seed: int) -> None:
    candidate, clicks, searches, before = drawn(np.random.default_rng(seed), (300,))
    for x in (None, before):
        one = narrowing(candidate, clicks, searches, x, least=20)
        other = narrowing(~candidate, clicks, searches, x, least=20)
        assert one.delta[-1] == pytest.approx(-other.delta[-1])
        assert one.low[-1] == pytest.approx(-other.high[-1])


def test_looking_after_every_unit_errs_no_more_than_alpha_where_a_z_test_errs_often() -> None:
    rng = np.random.default_rng(2)
    wrong, adjusted, naive = 0, 0, 0
    for _ in range(5):
        candidate, clicks, searches, before = drawn(rng, (100, 2_000))
        plain = narrowing(candidate, clicks, searches)
        cuped = narrowing(candidate, clicks, searches, before)
        wrong += int((excludes_zero_at(plain.low, plain.high) > 0).sum())
        adjusted += int((excludes_zero_at(cuped.low, cuped.high) > 0).sum())
        naive += int((np.abs(plain.delta) > 1.96 * plain.error)[:, 200:].any(axis=1).sum())
    assert wrong <= 0.05 * 500
    assert adjusted <= 0.05 * 500
    assert naive > 0.2 * 500


def test_a_difference_that_is_there_is_found_and_history_finds_it_sooner() -> None:
    rng = np.random.default_rng(3)
    candidate, clicks, searches, before = drawn(rng, (60, 6_000), effect=1.2)
    plain = narrowing(candidate, clicks, searches)
    cuped = narrowing(candidate, clicks, searches, before)
    assert (plain.low[:, -1] > 0).mean() > 0.9
    assert (cuped.error[:, -1] < plain.error[:, -1]).all()
    first, sooner = (excludes_zero_at(each.low, each.high) for each in (plain, cuped))
    assert np.median(sooner[sooner > 0]) < np.median(first[first > 0])
    assert cuped.delta[:, -1].mean() == pytest.approx(plain.delta[:, -1].mean(), abs=0.005)


def test_nothing_is_said_of_few_units_nor_where_nothing_varies() -> None:
    candidate = np.tile([False, True], 300)
    one = np.ones(600)
    nothing = narrowing(candidate, 0 * one, one)
    assert np.isinf(nothing.low).all()
    assert nothing.delta[-1] == 0
    few = narrowing(candidate, np.arange(600.0) % 7, one, least=100)
    assert np.isinf(few.low[:199]).all()
    assert np.isfinite(few.low[199:]).all()
    alone = narrowing(np.zeros(600, np.bool_), np.arange(600.0), one)
    assert np.isinf(alone.high).all()
    assert (alone.delta == 0).all()


def test_who_has_no_history_changes_nothing() -> None:
    assert history(np.array([3.0, 0.0, 1.0]), np.array([4.0, 0.0, 4.0])).tolist() == [1, 0, -1]
    assert history(np.zeros(2), np.zeros(2)).tolist() == [0, 0]


def test_a_quantile_has_an_interval_that_holds_it() -> None:
    rng = np.random.default_rng(4)
    truth = -20 * math.log(0.01)
    held = 0
    for _ in range(100):
        units = np.repeat(np.arange(800), 3)
        values = rng.exponential(20, 2400)
        found, low, high = quantile_interval(values, units, 0.99)
        assert low < found < high
        held += low <= truth <= high
    assert held >= 95
    middle, low, high = quantile_interval(np.arange(10.0), np.arange(10), 0.99)
    assert middle == pytest.approx(8.91)
    assert (low, high) == (-math.inf, math.inf)
    assert quantile_interval(np.zeros(0), np.zeros(0, np.int64), 0.99)[1:] == (-math.inf, math.inf)
