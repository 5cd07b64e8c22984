"""What stops an A/B test before it is decided: the guardrails of a rollout, for every arm. Pure;
nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.experiments.guardrails import Check, State, check
from eval.experiments.observed import Minute
from eval.experiments.ramp import Decision
from eval.experiments.types import Experiment

DAY = 86_400.0
_SURE: Mapping[State, int] = {"holds": 0, "waits": 1, "breaks": 2}


def day_of(experiment: Experiment, now: float) -> int:
    """The day of an A/B test that a moment (seconds since 1970) belongs to, the first being 0."""
    return max(int((now - experiment.created) // DAY), 0)


def day_begins(experiment: Experiment, day: int) -> float:
    """When a day of an A/B test begins, in seconds since 1970."""
    return experiment.created + day * DAY


def watch(
    experiment: Experiment,
    minutes: Mapping[str, Sequence[Minute]],
    bounds: Sequence[float],
    day: int,
) -> Decision:
    """Whether an A/B test should be stopped, by what happened on one of its days in each arm but
    the baseline (by name) and in the baseline beside it.

    Each day is judged by itself, so that looking costs the same on the hundredth day. Day d, from
    0, may err by alpha / ((d + 1)(d + 2)), shared among the arms: all days together by alpha.
    """
    arms = experiment.arms[1:]
    alpha = experiment.alpha / ((day + 1) * (day + 2)) / len(arms)
    found: dict[str, Check] = {}
    breaks = []
    for arm in arms:
        share = arm.weight / (arm.weight + experiment.baseline.weight)
        for one in check(experiment.guardrails, minutes[arm.name], bounds, share, alpha):
            if one.state == "breaks":
                breaks.append(f"{arm.name}: {one.reason}")
            if one.name not in found or _rank(one) > _rank(found[one.name]):
                found[one.name] = one
    checks = tuple(found.values())
    if breaks:
        figures = {f"{one.name}_evidence": one.evidence for one in checks}
        return Decision("stops", 0.0, "; ".join(breaks), checks, figures)
    return Decision("stays", experiment.share, "no guardrail surely breaks", checks)


def _rank(one: Check) -> tuple[int, float]:
    return _SURE[one.state], one.evidence
