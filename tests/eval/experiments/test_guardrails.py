"""Guardrails: no false alarm however often one looks, and breaches found soon."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.experiments.seams import BOUNDS, Tally
from eval.experiments import Guardrails
from eval.experiments.evidence import RESTART_MINUTES, Rate, log_e, log_e_above, since_any
from eval.experiments.guardrails import Check, check
from eval.experiments.observed import FALLBACKS, SQUARES, Minute, percentile, slower

ALPHA, REPEATS, LOOKS, STEP = 0.05, 300, 40, 100
Draw = Callable[[np.random.Generator, int, int], Rate]


def clicks(rng: np.random.Generator, mine: int, theirs: int) -> Rate:
    return Rate(rng.poisson(0.32 * mine), mine, rng.poisson(0.4 * theirs), theirs)


def errors(rng: np.random.Generator, mine: int, theirs: int) -> Rate:
    return Rate(rng.binomial(mine, 0.02), mine, rng.binomial(theirs, 0.01), theirs)


def slow(rng: np.random.Generator, mine: int, theirs: int) -> Rate:
    return Rate(rng.binomial(mine, 0.03), mine, rng.binomial(theirs, 0.03), theirs)


def few(rate: Rate) -> float:
    return log_e(rate, 0.8, fewer=True)


def many(rate: Rate) -> float:
    return log_e(rate, 1.0, 0.01)


def late(rate: Rate) -> float:
    return min(log_e_above(rate, 0.01), log_e(rate))


@pytest.mark.parametrize(("draw", "value"), [(clicks, few), (errors, many), (slow, late)])
def test_looking_again_and_again_at_what_is_just_allowed_seldom_alarms(
    draw: Draw, value: Callable[[Rate], float]
) -> None:
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(REPEATS):
        seen, found = Rate(), -math.inf
        for _ in range(LOOKS):
            seen += draw(rng, STEP, 4 * STEP)
            found = max(found, value(seen))
        alarms += found >= math.log(1 / ALPHA)
    assert alarms <= ALPHA * REPEATS


counts = st.integers(0, 400)


@given(counts, counts, counts, counts, st.sampled_from([(0.8, 0.0), (1.0, 0.0), (1.0, 0.05)]))
def test_no_allowed_rates_explain_the_counts_better_than_those_compared_with(
    mine: int, of: int, theirs: int, baseline_of: int, null: tuple[float, float]
) -> None:
    factor, excess = null
    rate = Rate(mine, of + 1, theirs, baseline_of + 1)
    value = log_e(rate, factor, excess)
    for baseline in np.linspace(1e-6, 3, 40):
        allowed = factor * baseline + excess
        for candidate in np.linspace(1e-6, allowed, 5):
            explained = mine * math.log(candidate) - rate.of * candidate
            explained += theirs * math.log(baseline) - rate.baseline_of * baseline
            assert value <= average(rate) - explained + 1e-6


def average(rate: Rate) -> float:
    """The likelihood averaged over a gamma distribution of shape 1/2 and rate 5, in both arms."""
    total = 0.0
    for times, of in ((rate.times, rate.of), (rate.baseline_times, rate.baseline_of)):
        total += math.log(5) / 2 - math.lgamma(0.5)
        total += math.lgamma(times + 0.5) - (times + 0.5) * math.log(of + 5)
    return total


def test_what_breaks_after_long_is_found_nearly_as_soon_as_at_once() -> None:
    good = [(minute, Rate(1, 1_000, 20, 20_000)) for minute in range(20 * RESTART_MINUTES)]
    bad = [(len(good) + more, Rate(10, 200, 4, 4_000)) for more in range(3)]
    needed = math.log(16 / ALPHA)

    def pooled(rates: list[tuple[int, Rate]]) -> float:
        return many(sum((rate for _, rate in rates), Rate()))

    assert since_any(bad, many) > needed
    assert pooled([*good, *bad]) < 0
    assert since_any([*good, *bad], many) > needed


def tally(requests: int = 1_000, **more: object) -> Tally:
    times = [0] * (len(BOUNDS) + 1)
    times[2] = requests
    given = {"requests": requests, "searches": requests, "clicks": requests * 4 // 10}
    return Tally(**(given | {"times": tuple(times)} | more))  # type: ignore[arg-type]


def checks(candidate: Tally, baseline: Tally | None = None, **limits: object) -> dict[str, Check]:
    """Of a stage of two minutes at one half."""
    half = Minute(0, baseline or tally(), candidate)
    given = Guardrails(**limits)  # type: ignore[arg-type]
    found = check(given, [half, replace(half, minute=1)], BOUNDS, 0.5, ALPHA)
    return {each.name: each for each in found}


def late_times(requests: int, over: int) -> tuple[int, ...]:
    times = [0] * (len(BOUNDS) + 1)
    times[2], times[7] = requests - over, over
    return tuple(times)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("errors", tally(errors=50)),
        ("errors", tally(sums={FALLBACKS: 50.0})),
        ("zero_results", tally(without_hits=200)),
        ("click_rate", tally(clicks=200)),
        ("p99", tally(times=late_times(1_000, 50))),
    ],
)
def test_each_breach_is_told_by_its_guardrail_alone(name: str, bad: Tally) -> None:
    found = checks(bad)
    assert {each for each, one in found.items() if one.state == "breaks"} == {name}
    assert found[name].evidence == 1
    assert {one.state for each, one in found.items() if each != name} == {"holds"}


def test_a_slow_machine_is_not_the_candidates_fault_but_nothing_to_go_on_with() -> None:
    both = tally(times=late_times(1_000, 50))
    found = checks(both, both)["p99"]
    assert found.state == "waits"
    assert "the machine is slow" in found.reason
    worse = checks(tally(times=late_times(1_000, 150)), both)["p99"]
    assert worse.state == "breaks"
    assert "the baseline is over it too, but surely less often" in worse.reason


def test_little_data_decides_nothing_and_what_is_off_is_not_looked_at() -> None:
    found = checks(tally(90, errors=9, clicks=0), tally(90), least=200)
    assert {one.state for one in found.values()} == {"waits"}
    assert "200 requests" in found["errors"].reason
    assert set(checks(tally(), click_rate=None, errors=None)) == {"p99", "zero_results"}


def test_what_looks_worse_without_being_sure_waits() -> None:
    found = checks(tally(clicks=310), tally())["click_rate"]
    assert (found.state, found.evidence < 1) == ("waits", True)


@pytest.mark.parametrize(
    ("candidate", "state"), [(1.0, "holds"), (0.85, "waits"), (0.3, "breaks"), (None, "waits")]
)
def test_revenue_is_compared_by_the_session(candidate: float | None, state: str) -> None:
    def sold(times: float, count: int = 500) -> Tally:
        money = count * 20 * times
        sums = {SQUARES: count * 2 * (20 * times) ** 2}
        return tally(purchases=count, revenue=money, sums=sums)

    mine = sold(1.0, 10) if candidate is None else sold(candidate)
    theirs = sold(1.0, 10 if candidate is None else 500)
    assert checks(mine, theirs, revenue=0.9)["revenue"].state == state


@given(st.lists(st.floats(0.1, 20_000), min_size=1, max_size=300), st.sampled_from([0.5, 0.99]))
def test_a_percentile_lies_within_the_bounds_it_names(values: list[float], part: float) -> None:
    places = np.searchsorted(np.array(BOUNDS), values)
    counted = tally(times=tuple(np.bincount(places, minlength=len(BOUNDS) + 1).tolist()))
    found = percentile([counted], BOUNDS, part)
    true = float(np.percentile(values, 100 * part, method="inverted_cdf"))
    assert found.low <= true <= found.high
    assert found.low <= found.value <= found.high
    assert slower(counted.times, BOUNDS, 100.0) == sum(value > 100 for value in values)
    assert slower(counted.times, BOUNDS, 120.0) <= sum(value > 120 for value in values)
