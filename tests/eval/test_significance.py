"""The paired tests agree with scipy's, keep their error rates, and survive degenerate data."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from eval.significance import effect_size, holm, paired_t, sign_flip, t_interval

Array = NDArray[np.float64]


def differences(n: int, columns: int, effect: float = 0.0, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(effect, 1, (n, columns)) ** 3


def test_t_interval_and_p_equal_scipy() -> None:
    data = differences(25, 40, 0.3) / 100
    expected = scipy.stats.ttest_1samp(data, 0)
    mean, low, high = t_interval(data, bound=1.0)
    np.testing.assert_allclose(paired_t(data), expected.pvalue, rtol=1e-9)
    interval = expected.confidence_interval(0.95)
    np.testing.assert_allclose(low, np.maximum(interval.low, -1), rtol=1e-9)
    np.testing.assert_allclose(high, np.minimum(interval.high, 1), rtol=1e-9)
    np.testing.assert_allclose(mean, data.mean(axis=0))


def exact_p(data: Array) -> Array:
    return np.asarray(
        scipy.stats.permutation_test(
            (data,),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=2 ** len(data),
        ).pvalue
    )


@pytest.mark.parametrize("queries", [2, 5, 13])
def test_sign_flip_p_of_few_queries_is_the_exact_one(queries: int) -> None:
    data = differences(queries, 20, 0.4)
    np.testing.assert_allclose(sign_flip(data, seed=3), exact_p(data), rtol=1e-12)


def test_sign_flip_p_equals_the_exact_test_within_its_sampling_error() -> None:
    data = differences(14, 20, 0.4)
    exact = exact_p(data)
    error = 4.5 * np.sqrt(exact * (1 - exact) / 9_999) + 2e-4
    assert (np.abs(sign_flip(data, seed=3) - exact) < error).all()


def test_sign_flip_and_t_agree_on_many_queries() -> None:
    data = np.random.default_rng(1).normal(0.02, 0.18, (2000, 20))
    np.testing.assert_allclose(sign_flip(data, seed=0), paired_t(data), atol=0.025)


def test_sign_flip_is_reproducible_and_never_0() -> None:
    data = differences(60, 4, 3.0)
    assert sign_flip(data, seed=1).tolist() == [1e-4] * 4
    data = differences(60, 4, 0.1)
    assert sign_flip(data, seed=1).tolist() == sign_flip(data, seed=1).tolist()
    assert sign_flip(data, seed=1).tolist() != sign_flip(data, seed=2).tolist()


def test_exact_ties_count_as_ties_whatever_rounding_does() -> None:
    whole = np.random.default_rng(4).integers(-3, 5, (12, 40)).astype(np.float64)
    assert sign_flip(whole / 10, seed=0).tolist() == sign_flip(whole, seed=0).tolist()


def test_a_column_is_tested_alike_whatever_stands_beside_it() -> None:
    data = differences(37, 5, 0.2)
    alone = [sign_flip(data[:, [i]], seed=9)[0] for i in range(5)]
    assert sign_flip(data, seed=9).tolist() == alone


def test_false_alarms_stay_at_their_rate_and_intervals_cover() -> None:
    data = np.random.default_rng(2).exponential(1, (40, 1500)) - 1
    data *= np.random.default_rng(3).choice([-1, 1], data.shape)
    for p in (sign_flip(data, seed=0, permutations=999), paired_t(data)):
        assert 0.03 < (p <= 0.05).mean() < 0.07
    _, low, high = t_interval(data, bound=100)
    assert 0.935 < ((low <= 0) & (high >= 0)).mean() < 0.97


def test_all_ties_are_no_evidence() -> None:
    zero = np.zeros((20, 2))
    assert sign_flip(zero, seed=0).tolist() == [1.0, 1.0]
    assert paired_t(zero).tolist() == [1.0, 1.0]
    assert effect_size(zero).tolist() == [0.0, 0.0]
    assert [part.tolist() for part in t_interval(zero, 1.0)] == [[0.0, 0.0]] * 3


def test_one_query_proves_nothing() -> None:
    one = np.array([[0.4]])
    assert sign_flip(one, seed=0)[0] == 1.0
    assert paired_t(one)[0] == 1.0
    assert np.isnan(effect_size(one)[0])
    assert [part[0] for part in t_interval(one, bound=1.0)] == [0.4, -1.0, 1.0]


def test_equal_differences_are_as_certain_as_the_number_of_queries_allows() -> None:
    same = np.full((30, 1), 0.1)
    assert paired_t(same)[0] == 0.0
    assert sign_flip(same, seed=0)[0] == 1e-4
    assert np.isnan(effect_size(same)[0])
    few = sign_flip(np.full((3, 1), 0.1), seed=0)[0]
    assert few == pytest.approx(2 / 8, abs=0.03)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.floats(-1, 1))
)
def test_turning_every_sign_changes_no_p(data: Array) -> None:
    for p in (paired_t(data), sign_flip(data, seed=1, permutations=99)):
        assert ((p >= 0) & (p <= 1)).all()
    assert paired_t(data) == pytest.approx(paired_t(-data))
    assert sign_flip(data, 1, 99).tolist() == sign_flip(-data, 1, 99).tolist()


def test_holm_worked_by_hand() -> None:
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm(p).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.8, 0.9])).tolist() == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_the_step_down_procedure_rejects(p: list[float], alpha: float) -> None:
    adjusted = holm(np.array(p))
    rejected = set()
    for step, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[i] * (len(p) - step) > alpha:
            break
        rejected.add(i)
    assert {i for i in range(len(p)) if adjusted[i] <= alpha} == rejected


def test_effect_size_is_the_mean_over_the_standard_deviation() -> None:
    data = differences(15, 3, 0.5)
    np.testing.assert_allclose(effect_size(data), data.mean(axis=0) / data.std(axis=0, ddof=1))
