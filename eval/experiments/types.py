"""What an experiment is: rankers beside each other on live traffic, and how they are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["interleave", "ab", "shadow", "rollout"]
Status = Literal["running", "stopped"]
Unit = Literal["session", "client"]

KINDS: tuple[Kind, ...] = ("interleave", "ab", "shadow", "rollout")
NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
"""What experiments and arms may be called: these names go into logs, joined by commas."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One of what is compared. `system` is a pipeline by name (`ranked`, `hybrid`, one of the
    settings' `[systems]`, or `model:VERSION` of the registry), `diversity` how much variety there
    is (0 to 1); None leaves either as it is. `weight` is the arm's share of the units, relative to
    the other arms."""

    name: str
    system: str | None = None
    diversity: float | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Guardrails:
    """What must not break: p99 of the answers in milliseconds, clicks a search as a share of the
    baseline's, the share of requests that failed beyond the baseline's, the share of searches
    without hits beyond the baseline's, and revenue a session as a share of the baseline's. None
    turns one off. `least` requests must have been counted in each arm before any is judged."""

    p99_milliseconds: float | None = 100.0
    click_rate: float | None = 0.8
    errors: float | None = 0.01
    zero_results: float | None = 0.05
    revenue: float | None = None
    least: int = 200


@dataclass(frozen=True, slots=True)
class Ramp:
    """How a rollout grows: the shares it goes through, and how many minutes and requests of the
    candidate each lasts at least. With `promote` the candidate's model is put to use at the end, so
    that it serves without the rollout."""

    steps: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    minutes: float = 10.0
    requests: int = 1_000
    promote: bool = False


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment. The first arm is the baseline.

    `layer` keeps experiments apart: those of one layer never meet in a unit, those of different
    layers are independent. `slot` is the experiment's part of its layer, from 0 to 1, given when it
    is created; `share` is the part of the slot's units that takes part (in a rollout: that is shown
    the candidate; the others are the baseline). `salt` makes its coins its own. `method` is one of
    `INTERLEAVERS` for the kind `interleave`. `alpha` is the error allowed however often one looks;
    `debiased` credits clicks by how likely their places are looked at. Times are seconds since
    1970.
    """

    name: str
    kind: Kind
    arms: tuple[Arm, ...]
    unit: Unit = "session"
    share: float = 1.0
    layer: str = "ranking"
    slot: tuple[float, float] = (0.0, 1.0)
    salt: str = ""
    method: str = "team-draft"
    alpha: float = 0.05
    debiased: bool = False
    guardrails: Guardrails = field(default_factory=Guardrails)
    ramp: Ramp = field(default_factory=Ramp)
    status: Status = "running"
    created: float = 0.0
    stopped: float | None = None
    reason: str = ""
    processor_share: float = 0.2
    """Of one processor, what a shadow may use."""

    @property
    def baseline(self) -> Arm:
        """What the others are compared with."""
        return self.arms[0]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of an experiment, as its history keeps it: `what` (`created`, `share`, `stopped`
    …), why, and the measurements that led to it."""

    time: float
    experiment: str
    what: str
    reason: str
    share: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
