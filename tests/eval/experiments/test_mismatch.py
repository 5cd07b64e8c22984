"""The split: a fair one is hardly ever blamed, a broken one is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from eval.experiments.mismatch import log_e_value, mismatch


@given(st.lists(st.integers(5, 5_000), min_size=2, max_size=5), st.integers(1, 4))
def test_chi_squared_is_that_of_scipy(counts: list[int], first: int) -> None:
    weights = [first, *[1] * (len(counts) - 1)]
    found = mismatch(counts, weights)
    expected = np.array(weights) / sum(weights) * sum(counts)
    assert found.expected == pytest.approx(tuple(expected))
    if expected.min() >= 5:
        assert found.p == pytest.approx(float(chisquare(counts, expected).pvalue), abs=1e-12)
    else:
        assert found.p is None


def test_the_e_value_is_the_product_of_what_each_unit_told() -> None:
    shares, counts, log_e = np.array([0.25, 0.75]), np.zeros(2), 0.0
    for arm in (0, 1, 1, 0, 0, 0, 1):
        predicted = (100 * shares[arm] + counts[arm]) / (100 + counts.sum())
        log_e += float(np.log(predicted / shares[arm]))
        counts[arm] += 1
    assert float(log_e_value(counts, shares)) == pytest.approx(log_e)


def test_a_fair_split_is_not_blamed_however_often_it_is_looked_at() -> None:
    rng = np.random.default_rng(5)
    first = (rng.random((1_000, 2_000)) < 0.5).cumsum(axis=1).astype(np.float64)
    units = np.arange(1.0, 2_001)
    log_e = log_e_value(np.stack([first, units - first], axis=-1), np.array([0.5, 0.5]))
    assert (log_e >= np.log(2_000)).any(axis=1).mean() <= 0.002


def test_a_split_that_lost_shoppers_is_found() -> None:
    assert mismatch([5_300, 4_700], [1, 1]).failed
    assert mismatch([60, 5], [1, 1]).failed
    assert mismatch([0, 40], [1, 1]).failed
    assert not mismatch([5_050, 4_950], [1, 1]).failed
    assert not mismatch([900, 100], [9, 1]).failed
    assert not mismatch([1, 0], [1, 1]).failed
