"""Evidence that may be looked at after every unit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from eval.stopping import (
    Tally,
    confidence_sequence,
    decided_at,
    excludes_zero_at,
    log_sign_e,
    sign_e_values,
    sign_test,
)

UNITS, REPEATS, BATCH, ALPHA = 5_000, 2_000, 100, 0.05


@pytest.mark.slow
def test_looking_after_every_unit_does_not_inflate_the_error() -> None:
    """Two equal rankers, looked at after every unit: how often each is said to differ. A z-test is
    there for comparison: it errs nearly half of the time."""
    rng, wrong = np.random.default_rng(11), np.zeros(3)
    units = np.arange(1, UNITS + 1)
    for _ in range(REPEATS // BATCH):
        drawn = rng.choice([-2.0, -1, 0, 0, 0, 1, 2], (BATCH, UNITS))
        mean, low, high = confidence_sequence(drawn, ALPHA)
        spread = np.sqrt((drawn**2).cumsum(axis=1) / units - mean**2)
        beyond = np.abs(mean) > 1.96 * spread / np.sqrt(units)
        wrong += [
            (decided_at(sign_e_values(drawn), ALPHA) > 0).sum(),
            (excludes_zero_at(low, high) > 0).sum(),
            beyond[:, 99:].any(axis=1).sum(),
        ]
    e_value, sequence, z_test = (wrong / REPEATS).tolist()
    assert e_value <= ALPHA
    assert sequence <= ALPHA
    assert 0.4 < z_test < 0.55


@pytest.mark.parametrize("share", [0.55, 0.65])
def test_real_differences_are_found(share: float) -> None:
    rng = np.random.default_rng(3)
    drawn = np.where(rng.random((100, 4000)) < share, 1.0, -1.0)
    found = decided_at(sign_e_values(drawn))
    _, low, high = confidence_sequence(drawn)
    assert (found > 0).mean() > 0.95
    assert (excludes_zero_at(low, high) > 0).mean() > 0.95
    assert ((low <= 2 * share - 1) & (2 * share - 1 <= high)).all(axis=1).mean() > 0.95


outcomes = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 0.5]), min_size=1, max_size=60)


@given(outcomes, st.sampled_from([0.5, 1.0, 10.0]))
def test_the_running_tally_says_what_the_sequence_says(drawn: list[float], prior: float) -> None:
    tally = Tally()
    for each in drawn:
        tally = tally.add(each)
    values = np.array(drawn)
    wins, losses = int((values > 0).sum()), int((values < 0).sum())
    assert (tally.wins, tally.losses, tally.units) == (wins, losses, len(drawn))
    e_value = sign_e_values(values, prior)[-1]
    assert math.isclose(tally.e_value(prior), e_value, rel_tol=1e-9)
    beta = scipy.special.beta
    known = 2 ** (wins + losses) * beta(prior + wins, prior + losses) / beta(prior, prior)
    assert math.isclose(e_value, known, rel_tol=1e-9)
    _, low, high = confidence_sequence(values, least=1)
    assert np.allclose(tally.interval(least=1), (low[-1], high[-1]), atol=1e-9)


@given(outcomes, outcomes)
def test_tallies_of_two_processes_add_up(one: list[float], other: list[float]) -> None:
    tallies = []
    for drawn in (one, other, one + other):
        tally = Tally()
        for each in drawn:
            tally = tally.add(each)
        tallies.append(tally)
    together = tallies[0] + tallies[1]
    assert together.units == tallies[2].units
    assert math.isclose(together.e_value(), tallies[2].e_value())
    assert math.isclose(together.mean, tallies[2].mean, abs_tol=1e-9)


def test_the_width_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(3, 2, 500)
    mean, low, high = confidence_sequence(values, alpha=0.1, tuned_at=200)
    tuning = (-2 * math.log(0.1) + math.log(-2 * math.log(0.1) + 1)) / 200
    grown = 500 * tuning + 1
    half = values.std() * math.sqrt(
        2 * grown / (500**2 * tuning) * math.log(math.sqrt(grown) / 0.1)
    )
    assert math.isclose(mean[-1], values.mean())
    assert math.isclose(high[-1] - mean[-1], half, rel_tol=1e-9)
    assert math.isclose(mean[-1] - low[-1], half, rel_tol=1e-9)


def test_ties_alone_decide_nothing() -> None:
    ties = np.zeros(300)
    assert (sign_e_values(ties) == 1).all()
    assert decided_at(sign_e_values(ties)) == 0
    _, low, high = confidence_sequence(ties)
    assert excludes_zero_at(low, high) == 0
    assert Tally(ties=300).interval() == (0.0, 0.0)


def test_nothing_is_said_of_few_units() -> None:
    mean, low, high = confidence_sequence(np.ones(120))
    assert np.isinf(low[:99]).all()
    assert np.isinf(high[:99]).all()
    assert mean[98] == low[99] == 1
    assert Tally().interval() == (-math.inf, math.inf)
    assert (Tally().mean, Tally().e_value()) == (0.0, 1.0)


def test_overwhelming_evidence_can_be_written() -> None:
    assert math.isfinite(log_sign_e(10**7, 0))
    assert math.isfinite(Tally(wins=10**7).e_value())
    assert np.isfinite(sign_e_values(np.ones(5000))).all()


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (1, 0), (5, 5), (3, 17), (600, 500)])
def test_the_sign_test_is_scipys(wins: int, losses: int) -> None:
    known = scipy.stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert math.isclose(sign_test(wins, losses), known, rel_tol=1e-9)
