"""The gate: a candidate serves only when it is not worse than what serves, beyond a margin.

Not worse is shown, not assumed: the whole 95 % interval of the difference must lie above the margin
(a test of non-inferiority; Walker and Nowacki, J Gen Intern Med 2011). Too few queries make the
interval wide, and the gate says so instead of letting the candidate pass.

A margin that were granted every night would add up. So a candidate is also set beside the anchor:
the last model that was surely better than the anchor before it, or that a person chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eval.significance import holm, one_sided_t, t_interval

SURE = 0.05
"""How likely at most the gate refuses for its segments a candidate that is worse in none."""
_BOUND = 1e9
_NORMAL = 1.959964


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse is still not worse: in nDCG@10 on judgments, in clicks a search as a share of
    those of the model that serves, both again in a segment, and in milliseconds for 200
    candidates."""

    judgments: float = 0.01
    clicks: float = 0.02
    segment: float = 0.03
    segment_clicks: float = 0.05
    milliseconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """By how much a candidate is better, one value a unit (float64): `differences` in `measure`
    (nDCG@10, of the clicks) over `units` (queries, shoppers), and the margin. `spread` is the
    standard error that all values share, of what they were computed with (propensities)."""

    name: str
    differences: NDArray[np.float64]
    measure: str
    units: str
    margin: float
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the candidate. `delta` is by how much it is better, with its 95 % interval;
    `units` how many queries or shoppers it was asked of; `segment` says that these are a part."""

    name: str
    passed: bool
    sentence: str
    delta: float = 0.0
    low: float = 0.0
    high: float = 0.0
    units: int = 0
    segment: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a candidate may serve, and every check. `gain`: it may, and is surely better than the
    anchor by judgments or clicks, so that it is the next one."""

    passed: bool
    checks: tuple[Check, ...]
    gain: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """What it failed."""
        return tuple(each.sentence for each in self.checks if not each.passed)


def judge(
    whole: Sequence[Sample],
    anchored: Sequence[Sample],
    segments: Sequence[Sample],
    milliseconds: float,
    allowed: float = Margins().milliseconds,
    missing: Sequence[str] = (),
) -> Verdict:
    """What the gate says. `whole` and `segments` compare with what serves, `anchored` with the
    anchor, where that is another; `milliseconds` is the candidate's time for 200 products.
    `missing` says why there is nothing to judge by, where there is nothing."""
    checks = [not_worse(sample) for sample in (*whole, *anchored)]
    if not whole:
        why = "; ".join(missing) or "give --judgments, --events, or both"
        checks.append(Check("evidence", False, f"nothing to judge by: {why}"))
    sure = checks[-len(anchored) :] if anchored else checks
    gain = any(each.low > 0 for each in sure)
    checks += segment_checks(segments)
    quick = milliseconds <= allowed
    found = f"{milliseconds:.2f} ms for 200 products"
    too_slow = "" if quick else f", more than the {allowed:g} ms allowed"
    checks.append(Check("latency", quick, found + too_slow))
    passed = all(each.passed for each in checks)
    return Verdict(passed, tuple(checks), passed and gain)


def not_worse(sample: Sample) -> Check:
    """Whether the candidate is shown not to be worse by more than the margin."""
    low, high, found = _found(sample)
    margin = sample.margin
    passed = low >= -margin
    if passed and high < 0:
        sentence = f"{found}: worse, though by no more than {margin:g}"
    elif passed:
        sentence = f"{found}: not worse by more than {margin:g}"
    elif high < 0:
        sentence = f"{found}: worse"
    else:
        sentence = f"{found}: it may be worse by more than {margin:g}; more {sample.units} would"
        sentence += " tell"
    return _check(sample, passed, sentence, low, high)


def segment_checks(segments: Sequence[Sample]) -> list[Check]:
    """Each segment: refused where the candidate is worse by more than the margin and that is no
    chance, by a one-sided t-test with Holm's correction over all segments, so that a candidate that
    is worse in none is refused for one with a probability of at most `SURE`. Segments are small, so
    they are asked whether they got worse, not to show that they did not."""
    if not segments:
        return []
    p = holm(np.array([one_sided_t(each.differences, each.spread) for each in segments]))
    checks = []
    for sample, chance in zip(segments, p.tolist(), strict=True):
        low, high, found = _found(sample)
        passed = float(sample.differences.mean()) >= -sample.margin or chance > SURE
        among = f"(p {chance:.4f} among {len(segments)})"
        refused = f"{found}: worse by more than {sample.margin:g} {among}"
        check = _check(sample, passed, found if passed else refused, low, high)
        checks.append(replace(check, segment=True))
    return checks


def _found(sample: Sample) -> tuple[float, float, str]:
    """The 95 % interval, and a sentence on it."""
    found = t_interval(sample.differences[:, None], _BOUND)
    mean, low, high = (float(each[0]) for each in found)
    if sample.spread and len(sample.differences) > 1:
        half = float(np.hypot(high - mean, _NORMAL * sample.spread))
        low, high = mean - half, mean + half
    count = len(sample.differences)
    interval = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
    return low, high, f"{sample.name}: {interval} {sample.measure} over {count:,} {sample.units}"


def _check(sample: Sample, passed: bool, sentence: str, low: float, high: float) -> Check:
    mean = float(sample.differences.mean())
    return Check(sample.name, passed, sentence, mean, low, high, len(sample.differences))
