"""How a rollout grows: what to do next, from what is known now. Pure; nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from eval.experiments.guardrails import Check, asked_of, check
from eval.experiments.observed import Minute
from eval.experiments.types import Experiment, Ramp, Step

What = Literal["stays", "advances", "finishes", "rolls back", "stops"]
CREATED, SHARE, ROLLED_BACK, FINISHED = "created", "share", "rolled back", "finished"
PROMOTED, STOPPED = "promoted", "stopped"
"""What the steps of a rollout are called in its history."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A rollout as it is now: since when it has its share (seconds since 1970), and what happened
    from that minute on."""

    experiment: Experiment
    since: float
    minutes: Sequence[Minute]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, the share to have then, and why, with the figures that it follows from. An A/B
    test stays or stops, a rollout does all else."""

    what: What
    share: float
    reason: str
    checks: tuple[Check, ...] = ()
    figures: Mapping[str, float] | None = None


def stage_since(experiment: Experiment, history: Sequence[Step]) -> float:
    """When a rollout got the share that it has, in seconds since 1970."""
    times = [step.time for step in history if step.share is not None]
    return max([experiment.created, *times])


def above(ramp: Ramp, share: float) -> float | None:
    """The next step up, None at the top."""
    return min((step for step in ramp.steps if step > share + 1e-9), default=None)


def below(ramp: Ramp, share: float) -> float | None:
    """The next step down, None at the first."""
    return max((step for step in ramp.steps if step < share - 1e-9), default=None)


def checks_of(stage: Stage, bounds: Sequence[float]) -> tuple[Check, ...]:
    """The guardrails in a stage. Each of the stages below 100% may err by its part of alpha, so
    that all looks at all of them together err by no more than alpha."""
    each = stage.experiment
    stages = sum(step < 1 for step in each.ramp.steps)
    alpha = each.alpha / max(stages, 1)
    return check(each.guardrails, stage.minutes, bounds, each.share, alpha)


def decide(stage: Stage, bounds: Sequence[float], now: float) -> Decision:
    """What a rollout should do at a moment (seconds since 1970): go back to nothing when a
    guardrail surely breaks; take the next step, never one further, when all hold and the stage was
    long enough; else stay. At 100% there is no baseline left to compare with, and it stays."""
    each = stage.experiment
    if each.share >= 1:
        return Decision("stays", each.share, "everybody has the candidate")
    checks = checks_of(stage, bounds)
    figures = figures_of(stage, checks)
    breaks = [one.reason for one in checks if one.state == "breaks"]
    if breaks:
        return Decision("rolls back", 0.0, "; ".join(breaks), checks, figures)
    waits = _waiting(stage, now) + [one.reason for one in checks if one.state == "waits"]
    if waits:
        return Decision("stays", each.share, "; ".join(waits), checks, figures)
    share = above(each.ramp, each.share)
    if share is None:
        return Decision("stays", each.share, "this is the last step", checks, figures)
    requests = figures["requests"]
    reason = f"all guardrails hold after {requests:,.0f} requests"
    what: What = "finishes" if share >= 1 else "advances"
    return Decision(what, share, reason, checks, figures)


def _waiting(stage: Stage, now: float) -> list[str]:
    ramp, found = stage.experiment.ramp, []
    minutes, requests = (now - stage.since) / 60, asked_of(stage.minutes, "candidate")
    if minutes < ramp.minutes:
        found.append(f"{minutes:.1f} of {ramp.minutes:g} minutes are over")
    if requests < ramp.requests:
        found.append(f"{requests:,} of {ramp.requests:,} requests had the candidate")
    return found


def figures_of(stage: Stage, checks: Sequence[Check]) -> Mapping[str, float]:
    """The measurements of a stage, as its history keeps them; those that are none are left out."""
    figures = {
        "requests": float(asked_of(stage.minutes, "candidate")),
        "baseline_requests": float(asked_of(stage.minutes, "baseline")),
    }
    for one in checks:
        figures[one.name] = one.candidate
        figures[f"baseline_{one.name}"] = one.baseline
        figures[f"{one.name}_evidence"] = one.evidence
    return {name: value for name, value in figures.items() if value == value}


def fault_of(ramp: Ramp) -> str | None:
    """Why a ramp cannot be used, None when it can."""
    steps = ramp.steps
    if not steps or any(not 0 < step <= 1 for step in steps):
        return "each step must be over 0 and at most 1 (100%)"
    if any(one >= two for one, two in pairwise(steps)):
        return "each step must be greater than the one before"
    if ramp.minutes < 0 or ramp.requests < 0:
        return "a stage cannot last less than no minutes and no requests"
    if ramp.promote and steps[-1] < 1:
        return "only what everybody has can be promoted: end the steps with 100"
    return None
