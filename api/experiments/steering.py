"""Rollouts and A/B tests steered: one process at a time decides, all of them know.

Whoever holds the store's lease looks at what runs; rollouts it grows, finishes or rolls back, A/B
tests it stops when a guardrail breaks. A change is made only while the experiment is still as it
was looked at, so that a leader that was paused and wakes up late does no harm. A leader that dies
is followed by another when its lease is over. While the store is away nothing changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from api.experiments.seams import BOUNDS, ExperimentStore, Tally
from api.experiments.shadow_report import mean_overlap
from api.logs import SERVER
from api.settings import AppSettings
from eval.experiments import Experiment, Step
from eval.experiments.observed import Minute
from eval.experiments.ramp import (
    FINISHED,
    PROMOTED,
    ROLLED_BACK,
    SHARE,
    STOPPED,
    Decision,
    Stage,
    decide,
    stage_since,
)
from eval.experiments.watching import day_begins, day_of, watch
from search.errors import AisleError, StorageFailed
from search.systems import MODEL

_KINDS = {"rollout": "a rollout", "experiment": "an A/B test"}
_LEASES = 3.0
"""How many looks a lease lasts: a leader may be late for two."""
_CALLED = {"advances": SHARE, "finishes": FINISHED, "rolls back": ROLLED_BACK, "stops": STOPPED}
_RECENT_MINUTES = 60
"""Of which a shadow's overlap is told to those who watch."""


class Promoter(Protocol):
    """Puts models to use."""

    def serving(self) -> str | None:
        """The version that serves, None when there is none."""
        ...

    def promote(self, version: str, reason: str) -> None:
        """Makes a version serve.

        Raises:
            NotFound, BadInput, StorageFailed: it cannot be.
        """
        ...


@dataclass(frozen=True, slots=True)
class RegistryPromoter:
    """The registry of a data directory; opened only when it is needed."""

    settings: AppSettings

    def serving(self) -> str | None:
        """See `Promoter`."""
        from api.registry import registry_of

        return registry_of(self.settings).serving()

    def promote(self, version: str, reason: str) -> None:
        """See `Promoter`."""
        from api.registry import registry_of

        registry_of(self.settings).promote(version, reason)


def stage_of(store: ExperimentStore, experiment: Experiment) -> Stage:
    """A rollout as it is now, from the store."""
    since = stage_since(experiment, store.history(experiment.name))
    return Stage(experiment, since, minutes_of(store, experiment, int(since // 60)))


def minutes_of(store: ExperimentStore, experiment: Experiment, since: int) -> tuple[Minute, ...]:
    """What happened in both arms from a minute on, the earliest first."""
    return minutes_by_arm(store, experiment, since)[experiment.arms[1].name]


def minutes_by_arm(
    store: ExperimentStore, experiment: Experiment, since: int
) -> Mapping[str, tuple[Minute, ...]]:
    """The same for every arm but the baseline, each beside it, by name."""
    baseline, *candidates = (arm.name for arm in experiment.arms)
    found = store.tallies(experiment.name, since)
    by_arm = {(cell.minute, cell.arm): tally for cell, tally in found.items()}
    times, none = sorted({cell.minute for cell in found}), Tally()
    return {
        name: tuple(
            Minute(at, by_arm.get((at, baseline), none), by_arm.get((at, name), none))
            for at in times
        )
        for name in candidates
    }


def watched(store: ExperimentStore, experiment: Experiment, now: float) -> Decision:
    """What the guardrails of an A/B test say at a moment (seconds since 1970)."""
    day = day_of(experiment, now)
    since = int(day_begins(experiment, day) // 60)
    return watch(experiment, minutes_by_arm(store, experiment, since), BOUNDS, day)


def apply(
    store: ExperimentStore, experiment: Experiment, decision: Decision, now: float
) -> Experiment | None:
    """Makes a decision come true; None when the experiment is no longer as it was looked at, or
    nothing is to be done."""
    if decision.what == "stays":
        return None
    figures = dict(decision.figures or {})
    what = _CALLED[decision.what]
    if decision.what == "stops":  # with the share that it had, as by hand
        changed, share = experiment, None
    else:
        changed, share = replace(experiment, share=decision.share), decision.share
    if decision.what in ("rolls back", "stops"):
        changed = replace(changed, status="stopped", stopped=now, reason=decision.reason)
    step = Step(now, experiment.name, what, decision.reason, share, figures)
    return changed if store.change(changed, step, experiment) else None


@dataclass(slots=True)
class Steering:
    """Looks at the rollouts of a store; one per process."""

    store: ExperimentStore
    promoter: Promoter
    seconds: float = 15.0
    who: str = field(default_factory=lambda: _who())
    clock: Callable[[], float] = time.time
    leads: bool = False
    _fault: str | None = None
    fault: str | None = None
    """That the store is away, when nothing changes, or that a model could not be promoted."""
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    """What this process would do, by rollout or A/B test; the leader does it."""
    overlaps: Mapping[str, float] = field(default_factory=dict)
    """The mean overlap of the last hour, by shadow."""

    def look(self) -> None:
        """Looks now, and steers if this process leads. Blocks: call it from a thread."""
        try:
            found = [each for each in self.store.experiments() if each.status == "running"]
            steered = [each for each in found if each.kind in ("rollout", "ab")]
            self.leads = bool(steered) and self.store.lead(self.who, self.seconds * _LEASES)
            self._fault = None
            self.decisions = {each.name: self._look(each) for each in steered}
            shadows = [each for each in found if each.kind == "shadow"]
            self.overlaps = {each.name: self._overlap(each) for each in shadows}
            self.fault = self._fault
        except StorageFailed as error:
            self.leads = False
            self._complain(f"rollouts stay as they are, and no guardrail is looked at: {error}")
            self.fault = self._fault

    def _look(self, experiment: Experiment) -> Decision:
        grows, now = experiment.kind == "rollout", self.clock()
        if grows:
            decision = decide(stage_of(self.store, experiment), BOUNDS, now)
        else:
            decision = watched(self.store, experiment, now)
        if not self.leads:
            return decision
        if grows and experiment.share >= 1 and experiment.ramp.promote:
            self._promote(experiment)
        elif apply(self.store, experiment, decision, self.clock()):
            told = {"share": decision.share, "reason": decision.reason}
            kind = "rollout" if grows else "experiment"
            SERVER.warning(f"{_KINDS[kind]} {decision.what}", extra={kind: experiment.name, **told})
        return decision

    def _promote(self, experiment: Experiment) -> None:
        try:
            promote(self.store, self.promoter, experiment, self.clock())
        except StorageFailed:
            raise
        except AisleError as error:
            self._complain(f"{experiment.name} cannot be promoted: {error}")

    def _overlap(self, shadow: Experiment) -> float:
        since = int(self.clock() // 60) - _RECENT_MINUTES
        total = Tally()
        for cell, tally in self.store.tallies(shadow.name, since).items():
            if cell.arm == shadow.arms[1].name:
                total += tally
        found = mean_overlap(total)
        return math.nan if found is None else found

    def _complain(self, fault: str) -> None:
        """Once per fault, not once per look."""
        if fault != self.fault:
            SERVER.error("rollouts", extra={"fault": fault})
        self._fault = fault

    @contextlib.asynccontextmanager
    async def steering(self) -> AsyncIterator[None]:
        """Looks every so often from now on."""
        stop = asyncio.Event()

        async def steer() -> None:
            while not stop.is_set():
                try:
                    await asyncio.to_thread(self.look)
                except Exception:
                    SERVER.exception("rollouts are not steered")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self.seconds)

        task = asyncio.create_task(steer(), name="steer the rollouts")
        try:
            yield
        finally:
            stop.set()
            await task


def promote(
    store: ExperimentStore, promoter: Promoter, experiment: Experiment, now: float
) -> str | None:
    """Puts the candidate's model to use, and stops the rollout once it serves: two looks, so that
    servers have followed the model before it takes their place. The version; None when the
    candidate is no model of the registry.

    Raises:
        NotFound, BadInput, StorageFailed: the model cannot be promoted.
    """
    system = experiment.arms[1].system or ""
    if not system.startswith(MODEL):
        return None
    version = system.removeprefix(MODEL)
    if promoter.serving() != version:
        reason = f"rollout {experiment.name} reached everybody"
        promoter.promote(version, reason)
        store.note(Step(now, experiment.name, PROMOTED, f"model {version} serves: {reason}"))
        return version
    reason = f"model {version} serves without the rollout"
    done = replace(experiment, status="stopped", stopped=now, reason=reason)
    store.change(done, Step(now, experiment.name, STOPPED, reason), experiment)
    return version


def _who() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
