"""The gate refuses what is worse, and what nothing shows not to be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from training.registry import Margins, Sample, Verdict, judge

RNG = np.random.default_rng(5)
MARGINS = Margins()


def differences(mean: float, count: int, spread: float = 0.1) -> NDArray[np.float64]:
    drawn = RNG.normal(0, spread, count)
    return np.asarray(drawn - drawn.mean() + mean, np.float64)


def judged(values: NDArray[np.float64], margin: float = 0.01) -> list[Sample]:
    return [Sample("judgments", values, "nDCG@10", "queries", margin)]


def segment(values: NDArray[np.float64], name: str = "one word") -> list[Sample]:
    return [Sample(name, values, "nDCG@10", "queries", MARGINS.segment)]


def test_a_better_candidate_passes() -> None:
    clicked = [Sample("clicks", differences(0.05, 400), "of the clicks", "shoppers", 0.02)]
    verdict = judge(judged(differences(0.02, 400)) + clicked, [], [], 1.0)
    assert verdict.passed
    assert verdict.gain
    assert verdict.reasons == ()


@pytest.mark.parametrize(
    ("mean", "count", "said"),
    [(-0.05, 400, "worse"), (0.0, 20, "more queries would tell"), (-0.004, 5000, "by no more")],
)
def test_not_worse_must_be_shown(mean: float, count: int, said: str) -> None:
    verdict = judge(judged(differences(mean, count)), [], [], 1.0)
    assert verdict.passed == (said == "by no more")
    assert not verdict.gain
    assert said in verdict.checks[0].sentence


def test_without_evidence_nothing_passes() -> None:
    verdict = judge([], [], [], 1.0)
    assert not verdict.passed
    assert "nothing to judge by" in verdict.reasons[0]
    assert "no clicks" in judge([], [], [], 1.0, missing=["no clicks"]).reasons[0]


def test_what_fell_behind_the_anchor_is_refused_though_it_is_no_worse_than_what_serves() -> None:
    beside = [Sample("judgments, beside the anchor", differences(-0.03, 400), "", "", 0.01)]
    verdict = judge(judged(differences(0.0, 5000)), beside, [], 1.0)
    assert not verdict.passed
    assert "anchor" in verdict.reasons[0]


def test_the_next_anchor_must_be_better_than_the_last_one() -> None:
    better, same = judged(differences(0.02, 400)), judged(differences(0.0, 5000))
    assert judge(better, [], [], 1.0).gain
    assert not judge(better, same, [], 1.0).gain
    assert judge(same, better, [], 1.0).gain
    assert not judge(better, better, [], 9.0).gain


def test_a_loss_that_the_margin_allows_cannot_be_repeated() -> None:
    """Each candidate is a little worse than the one before, within the margin every time."""
    rng = np.random.default_rng(1)
    worth, serving, anchor = rng.normal(0.6, 0.1, 2000), 0.0, 0.0
    for night in range(30):
        lost = serving - 0.006
        noise = rng.normal(0, 0.05, (3, len(worth)))
        values = worth + np.array([lost, serving, anchor])[:, None] + noise
        beside = [Sample("anchored", values[0] - values[2], "", "", 0.01)]
        verdict = judge(judged(values[0] - values[1]), beside if anchor != serving else [], [], 1.0)
        if night == 0:
            assert verdict.passed
        if verdict.passed:
            serving = lost
            anchor = lost if verdict.gain else anchor
    assert anchor == 0.0
    assert serving >= -0.012


def test_a_segment_that_surely_got_worse_is_enough_to_refuse() -> None:
    whole = judged(differences(0.02, 400))
    verdict = judge(whole, [], segment(differences(-0.1, 60)), 1.0)
    assert not verdict.passed
    assert "one word" in verdict.reasons[0]
    assert "among 1)" in verdict.reasons[0]
    assert judge(whole, [], segment(differences(-0.02, 60, 0.01)), 1.0).passed
    assert judge(whole, [], segment(differences(-0.04, 60, 0.3)), 1.0).passed


def test_a_slow_candidate_is_refused() -> None:
    verdict = judge(judged(differences(0.02, 400)), [], [], 9.0, 5.0)
    assert not verdict.passed
    assert "9.00 ms" in verdict.reasons[0]


def test_the_gate_lets_the_truly_worse_pass_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(0)
    worse = [judge(judged(rng.normal(-0.01, 0.1, 200)), [], [], 1.0).passed for _ in range(1000)]
    assert np.mean(worse) <= 0.04


def parted(rng: np.random.Generator, harm: float) -> Verdict:
    """The verdict on a candidate that moves a third of 600 queries, for better and worse alike, in
    22 overlapping segments of one to three words, kinds, categories and the like; in the last
    category by `harm` worse."""
    moved = rng.random(600) < 0.35
    values = moved * rng.laplace(0, 0.12, 600).clip(-1, 1)
    splits = [rng.choice(4, 600, p=(0.1, 0.4, 0.3, 0.2)), rng.integers(0, 6, 600)]
    splits += [rng.integers(0, 9, 600), rng.integers(0, 3, 600)]
    values -= harm * (splits[2] == 8)
    parts = [values[split == part] for split in splits for part in np.unique(split)]
    segments = [each for i, part in enumerate(parts) for each in segment(part, f"part {i}")]
    return judge(judged(values, 0.05), [], segments, 1.0)


def test_no_worse_in_any_of_many_segments_is_refused_once_in_twenty_at_most() -> None:
    rng = np.random.default_rng(3)
    refused = [not parted(rng, 0.0).passed for _ in range(300)]
    assert np.mean(refused) <= 0.05


def test_surely_worse_in_one_of_many_segments_is_refused() -> None:
    rng = np.random.default_rng(4)
    named = ["part 18" in " ".join(parted(rng, 0.1).reasons) for _ in range(100)]
    assert np.mean(named) >= 0.9
