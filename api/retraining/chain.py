"""The chain of steps: begun, gone on with where it was left, or found done already."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.index_view import RUNS
from api.registry import registry_of
from api.retraining.lock import alone
from api.retraining.state import Run, State, runs
from api.retraining.steps import STEPS, Job
from api.retraining.task import Progress, RetrainTask, digest
from api.retraining.triggers import due
from api.retraining.window import Window, day_of, find_window, fingerprint, window_json
from api.settings import AppSettings, load_settings
from training.registry import ModelRegistry

_BECAME = {
    "promoted": "was promoted",
    "refused": "was refused",
    "unchanged": "was the one that served already",
}
"""Of a run's outcome, for people."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call is to do. `outcome` is "" when there is something: the run's other steps;
    `unchanged` when the same was done before, `not due` when no condition holds."""

    outcome: str
    sentence: str
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: `promoted`, `refused`, `unchanged`, `not due` or `planned`, in a
    `sentence`; `steps` that were done now, with seconds, and those `kept` from before."""

    outcome: str
    sentence: str
    run: str = ""
    window: Mapping[str, Any] | None = None
    version: str = ""
    reasons: tuple[str, ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    steps: Mapping[str, float] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


async def retrain(task: RetrainTask, say: Callable[[str], None], progress: Progress) -> Outcome:
    """From the log to a model that serves, or to reasons why it does not.

    Raises:
        RetrainingBusy: another process does it.
        NotFound, BadInput, StorageFailed: a step cannot be done; the next call begins with it.
    """
    settings, registry = _opened(task)
    parameters = task.parameters()
    with alone(settings.data / RUNS):
        plan = _plan(task, settings, registry, parameters, dry_run=False)
        if plan.run is None or plan.outcome:
            return _told(plan)
        say(plan.sentence)
        job = Job(task, settings, registry, plan.run, say, progress)
        plan.run.begin()
        return await _done(job)


def plan_of(task: RetrainTask) -> Outcome:
    """What `retrain` would do; changes nothing.

    Raises:
        NotFound, BadInput: as `retrain`.
    """
    settings, registry = _opened(task)
    plan = _plan(task, settings, registry, task.parameters(), dry_run=True)
    return _told(plan)


def _opened(task: RetrainTask) -> tuple[AppSettings, ModelRegistry]:
    settings = load_settings(task.data)
    return settings, registry_of(settings)


def _plan(
    task: RetrainTask,
    settings: AppSettings,
    registry: ModelRegistry,
    parameters: Mapping[str, Any],
    *,
    dry_run: bool,
) -> Plan:
    events = [settings.data]
    known = runs(settings.data)
    for run in known:
        state = run.state
        if state.outcome or digest(state.parameters) != digest(parameters):
            continue
        if fingerprint(events, state.window) == state.fingerprint:
            return Plan("", f"goes on with {state.run}: {state.window.told()}", run)
        if not dry_run:
            run.end("abandoned")
    window = find_window(events, task.window_days, task.held_out)
    marks = fingerprint(events, window)
    name = _name(parameters, window, marks)
    same = next((run for run in known if run.state.run == name), None)
    if same is not None and same.state.outcome not in ("", "abandoned"):
        became = _BECAME[same.state.outcome]
        said = f"nothing to do: {name} made a model of the same log, and it {became}"
        return Plan("unchanged", said, same)
    wanted, why = due(task, settings, registry, dry_run=dry_run)
    if not wanted:
        return Plan("not due", f"nothing to do: {why}")
    state = State(name, parameters, window, marks)
    folder = settings.data / RUNS / name
    return Plan("", f"{name} {window.told()} ({why})", Run(folder, state))


def _name(parameters: Mapping[str, Any], window: Window, marks: Mapping[str, Any]) -> str:
    days = [window.begin, window.cut, window.end]
    return f"{day_of(window.end - 1)}-{digest([dict(parameters), days, dict(marks)])}"


async def _done(job: Job) -> Outcome:
    """The other steps, one after the other."""
    run = job.run
    kept: list[str] = []
    for name in STEPS:
        if not run.has(name):
            break
        kept.append(name)
    left = [name for name in STEPS if name not in kept]
    run.forget(left)
    for number, name in enumerate(left, len(kept)):
        job.progress(name, 0, 1)
        begun = time.monotonic()
        act, files = STEPS[name]
        result = await act(job)
        run.keep(name, result, files, round(time.monotonic() - begun, 3))
        job.progress(name, 1, 1)
        job.progress("steps", number + 1, len(STEPS))
    promoted, serves = run.result("promote")["promoted"], run.result("register")["serves"]
    run.end("promoted" if promoted else "unchanged" if serves else "refused")
    return _outcome(run, tuple(kept))


def _outcome(run: Run, kept: tuple[str, ...]) -> Outcome:
    gate, version = run.result("gate"), run.result("register")["version"]
    reasons = tuple(gate["reasons"])
    sentence = {
        "promoted": f"{version} serves now",
        "unchanged": f"nothing new: the model is {version} again, which serves already",
        "refused": f"{version} was refused, what served before still does: {'; '.join(reasons)}",
    }[run.state.outcome]
    return Outcome(
        run.state.outcome,
        sentence,
        run.state.run,
        window_json(run.state.window),
        version,
        reasons,
        tuple(gate["checks"]),
        {name: done.seconds for name, done in run.state.steps.items() if name not in kept},
        kept,
    )


def _told(plan: Plan) -> Outcome:
    if plan.run is None:
        return Outcome(plan.outcome, plan.sentence)
    state = plan.run.state
    version = ""
    if plan.run.has("register"):
        version = plan.run.result("register")["version"]
    kept = tuple(name for name in STEPS if plan.run.has(name))
    return Outcome(
        plan.outcome or "planned",
        plan.sentence,
        state.run,
        window_json(state.window),
        version,
        kept=kept,
    )
