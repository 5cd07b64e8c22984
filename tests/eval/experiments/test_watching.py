"""When an A/B test is stopped by its guardrails, and how seldom without cause."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from api.experiments.seams import BOUNDS, Tally
from eval.experiments import Arm, Experiment, Guardrails
from eval.experiments.observed import Minute
from eval.experiments.watching import DAY, day_begins, day_of, watch

ARMS = (Arm("a"), Arm("b", "bm25"), Arm("c", "dense", weight=0.5))
TEST = Experiment("spring", "ab", ARMS, created=1_000.0, guardrails=Guardrails(least=50))


def tally(requests: int, *, failed: float = 0.0, clicks: float = 0.4) -> Tally:
    times = (0, 0, requests, *[0] * (len(BOUNDS) - 2))
    errors = round(requests * failed)
    return Tally(requests, errors, requests, clicks=round(requests * clicks), times=times)


def beside(candidate: Tally) -> Sequence[Minute]:
    return [Minute(0, tally(1_000), candidate)]


def test_an_arm_that_surely_breaks_a_guardrail_stops_the_test_and_is_named() -> None:
    good = beside(tally(1_000))
    fine = watch(TEST, {"b": good, "c": good}, BOUNDS, 0)
    assert (fine.what, {each.state for each in fine.checks}) == ("stays", {"holds"})
    bad = watch(TEST, {"b": good, "c": beside(tally(500, failed=0.2))}, BOUNDS, 0)
    assert bad.what == "stops"
    assert bad.reason.startswith("c: requests that failed")
    [errors] = [each for each in bad.checks if each.name == "errors"]
    assert (errors.state, errors.evidence) == ("breaks", 1.0)
    worse = watch(TEST, {"b": beside(tally(1_000, clicks=0.1)), "c": good}, BOUNDS, 0)
    assert worse.reason.startswith("b: clicks a search")


def test_days_begin_with_the_test_and_later_ones_need_more() -> None:
    assert [day_of(TEST, 1_000.0 + at) for at in (-5, 0, DAY - 1, DAY, 3.5 * DAY)] == [
        0, 0, 0, 1, 3
    ]  # fmt: skip
    assert day_begins(TEST, 3) == 1_000 + 3 * DAY
    minutes = {"b": beside(tally(1_000, failed=0.04)), "c": beside(tally(500))}
    proofs = [
        {each.name: each.evidence for each in watch(TEST, minutes, BOUNDS, day).checks}["errors"]
        for day in range(20)
    ]
    assert proofs[0] > proofs[19] > 0
    assert sum(1 / ((day + 1) * (day + 2)) for day in range(10_000)) == pytest.approx(1, abs=1e-3)


def test_what_is_just_allowed_is_seldom_stopped_however_often_one_looks() -> None:
    drawn, stopped, repeats = np.random.default_rng(3), 0, 60
    for _ in range(repeats):
        minutes: dict[str, list[Minute]] = {"b": [], "c": []}
        for at in range(12):
            baseline = _drawn(drawn, 0.4)
            for count in minutes.values():
                count.append(Minute(at, baseline, _drawn(drawn, 0.4 * 0.8 + 0.001)))
            if watch(TEST, minutes, BOUNDS, 0).what == "stops":
                stopped += 1
                break
    assert stopped <= 6  # 3 are allowed on average; 7 or more have a chance of 3 %


def _drawn(drawn: np.random.Generator, rate: float) -> Tally:
    searches = int(drawn.poisson(200))
    return tally(searches, clicks=drawn.binomial(searches, rate) / max(searches, 1))
