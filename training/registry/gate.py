"""The gate: a candidate serves only when it is not worse than what serves, beyond a margin.

Not worse is shown, not assumed: the whole 95 % interval of the difference must lie above the margin
(a test of non-inferiority; Walker and Nowacki, J Gen Intern Med 2011). Too few queries make the
interval wide, and the gate says so instead of letting the candidate pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.significance import t_interval

_ENOUGH = 20
"""Queries that a segment must have to be looked at on its own."""
_BOUND = 1e9


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse is still not worse: in nDCG@10 on judgments, in clicks a search as a share of
    those of the model that serves, in a segment, and in milliseconds for 200 candidates."""

    judgments: float = 0.01
    clicks: float = 0.02
    segment: float = 0.03
    milliseconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the candidate. `delta` is by how much it is better, with its 95 % interval;
    `queries` how many it was asked of."""

    name: str
    passed: bool
    sentence: str
    delta: float = 0.0
    low: float = 0.0
    high: float = 0.0
    queries: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a candidate may serve, and every check."""

    passed: bool
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What it failed."""
        return tuple(each.sentence for each in self.checks if not each.passed)


def judge(
    judged: NDArray[np.float64] | None,
    clicked: NDArray[np.float64] | None,
    segments: Mapping[str, NDArray[np.float64]],
    milliseconds: float,
    margins: Margins = Margins(),
) -> Verdict:
    """What the gate says. `judged` and `clicked` hold differences, candidate less serving, by query
    (nDCG@10; clicks as a share of the serving model's); None where there is nothing to tell by.
    `segments` are parts of `judged`; `milliseconds` the candidate's time for 200 products."""
    checks: list[Check] = []
    if judged is not None and len(judged):
        checks.append(not_worse("judgments", judged, margins.judgments, "nDCG@10"))
    if clicked is not None and len(clicked):
        checks.append(not_worse("clicks", clicked, margins.clicks, "of the clicks"))
    if not checks:
        checks.append(
            Check("evidence", False, "nothing to judge by: give --judgments, --events, or both")
        )
    checks += segment_checks(segments, margins.segment)
    quick = milliseconds <= margins.milliseconds
    checks.append(
        Check(
            "latency",
            quick,
            f"{milliseconds:.2f} ms for 200 products"
            + ("" if quick else f", more than the {margins.milliseconds:g} ms allowed"),
        )
    )
    return Verdict(all(each.passed for each in checks), tuple(checks))


def not_worse(name: str, differences: NDArray[np.float64], margin: float, unit: str) -> Check:
    """Whether the candidate is shown not to be worse by more than the margin."""
    mean, low, high = (float(each[0]) for each in t_interval(differences[:, None], _BOUND))
    passed = low >= -margin
    found = f"{name}: {mean:+.4f} [{low:+.4f}, {high:+.4f}] {unit} over {len(differences)} queries"
    if passed and high < 0:
        sentence = f"{found}: worse, though by no more than {margin:g}"
    elif passed:
        sentence = f"{found}: not worse by more than {margin:g}"
    elif high < 0:
        sentence = f"{found}: worse"
    else:
        sentence = f"{found}: it may be worse by more than {margin:g}; more queries would tell"
    return Check(name, passed, sentence, mean, low, high, len(differences))


def segment_checks(segments: Mapping[str, NDArray[np.float64]], margin: float) -> Sequence[Check]:
    """Each segment with enough queries: refused where the candidate is worse by more than the
    margin and that is no chance. Segments are small, so they are asked whether they got worse, not
    to show that they did not."""
    checks = []
    for name, differences in segments.items():
        if len(differences) < _ENOUGH:
            continue
        mean, low, high = (float(each[0]) for each in t_interval(differences[:, None], _BOUND))
        passed = mean >= -margin or high >= 0
        found = f"{name}: {mean:+.4f} [{low:+.4f}, {high:+.4f}] over {len(differences)} queries"
        sentence = found if passed else f"{found}: worse by more than {margin:g}"
        checks.append(Check(name, passed, sentence, mean, low, high, len(differences)))
    return checks
