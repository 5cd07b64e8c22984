"""The gate refuses what is worse, and what nothing shows not to be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.registry import Margins, judge

RNG = np.random.default_rng(5)


def differences(mean: float, count: int, spread: float = 0.1) -> NDArray[np.float64]:
    drawn = RNG.normal(0, spread, count)
    return np.asarray(drawn - drawn.mean() + mean, np.float64)


def test_a_better_candidate_passes() -> None:
    verdict = judge(differences(0.02, 400), differences(0.05, 400), {}, 1.0)
    assert verdict.passed
    assert verdict.reasons == ()


@pytest.mark.parametrize(
    ("mean", "count", "said"),
    [(-0.05, 400, "worse"), (0.0, 20, "more queries would tell"), (-0.004, 5000, "by no more")],
)
def test_not_worse_must_be_shown(mean: float, count: int, said: str) -> None:
    verdict = judge(differences(mean, count), None, {}, 1.0)
    assert verdict.passed == (said == "by no more")
    assert said in verdict.checks[0].sentence


def test_without_evidence_nothing_passes() -> None:
    verdict = judge(None, None, {}, 1.0)
    assert not verdict.passed
    assert "nothing to judge by" in verdict.reasons[0]


def test_a_segment_that_surely_got_worse_is_enough_to_refuse() -> None:
    judged = differences(0.02, 400)
    verdict = judge(judged, None, {"one word": differences(-0.1, 60)}, 1.0)
    assert not verdict.passed
    assert "one word" in verdict.reasons[0]
    assert judge(judged, None, {"one word": differences(-0.1, 5)}, 1.0).passed
    assert judge(judged, None, {"one word": differences(-0.02, 60)}, 1.0).passed


def test_a_slow_candidate_is_refused() -> None:
    verdict = judge(differences(0.02, 400), None, {}, 9.0, Margins(milliseconds=5.0))
    assert not verdict.passed
    assert "9.00 ms" in verdict.reasons[0]


def test_the_gate_lets_the_truly_worse_pass_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(0)
    worse = [judge(rng.normal(-0.01, 0.1, 200), None, {}, 1.0).passed for _ in range(1000)]
    assert np.mean(worse) <= 0.04
