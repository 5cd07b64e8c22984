"""What people do to rollouts: start, advance, take back, stop, promote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from api.experiments.seams import BOUNDS, ExperimentStore
from api.experiments.steering import RegistryPromoter, promote, stage_of
from api.settings import AppSettings
from eval.experiments import NAME, Arm, Experiment, Guardrails, Ramp, Step, Unit
from eval.experiments.ramp import (
    CREATED,
    SHARE,
    STOPPED,
    Decision,
    above,
    below,
    checks_of,
    decide,
    fault_of,
)
from search.build import LTR, MODEL, SYSTEMS
from search.errors import BadInput, NotFound, StorageFailed

if TYPE_CHECKING:
    from training.registry import Entry, ModelRegistry

BASELINE, CANDIDATE = "baseline", "candidate"


def started(
    settings: AppSettings,
    store: ExperimentStore,
    name: str,
    model: str,
    baseline: str | None,
    unit: str,
    layer: str,
    ramp: Ramp,
    limits: Guardrails,
    traffic: float = 1.0,
) -> Experiment:
    """Starts a rollout at its first step; its shares are of `traffic` of its layer.

    Raises:
        NotFound: the registry has no such model.
        BadInput: something cannot be used; says what.
        StorageFailed: the store is away.
    """
    if not re.match(NAME, name):
        raise BadInput(
            f"{name[:70]!r} is no name for a rollout: use a-z, 0-9, _, - and .", field="name"
        )
    if unit not in get_args(Unit):
        raise BadInput(f"{unit!r} cannot be assigned; session and client can", field="unit")
    fault = fault_of(ramp)
    if fault is not None:
        raise BadInput(f"the steps cannot be used: {fault}", field="steps")
    candidate = _system(settings, model)
    if ramp.promote and not candidate.startswith(MODEL):
        raise BadInput(
            f"{candidate} is no model of the registry, so it cannot be promoted", field="promote"
        )
    _differ(settings, baseline, candidate)
    made = Experiment(
        name,
        "rollout",
        (Arm(BASELINE, baseline), Arm(CANDIDATE, candidate)),
        unit="client" if unit == "client" else "session",
        share=ramp.steps[0],
        layer=layer,
        guardrails=limits,
        ramp=ramp,
    )
    return store.create(made, traffic, _created(made))


def _created(made: Experiment) -> Step:
    import time

    reason = f"{made.arms[1].system} for more and more {made.unit}s"
    return Step(time.time(), made.name, CREATED, reason, made.share)


def _system(settings: AppSettings, named: str) -> str:
    """A system by name, or a model of the registry; a file is added to it, so that every server
    finds it, and it can be promoted."""
    if named in SYSTEMS or named in settings.systems:
        return named
    from api.registry import candidate, registry_of
    from api.replicas import push_after, require_writing

    registry = registry_of(settings)
    if not named.startswith(LTR) and not named.endswith(".json"):
        return f"{MODEL}{_entry(settings, registry, named).version}"
    require_writing(settings)
    entry, _ = candidate(registry, named.removeprefix(LTR))
    push_after(settings)
    return f"{MODEL}{entry.version}"


def _entry(settings: AppSettings, registry: ModelRegistry, named: str) -> Entry:
    try:
        return registry.entry(named.removeprefix(MODEL))
    except NotFound as error:
        if named.startswith(MODEL):
            raise
        systems = ", ".join([*SYSTEMS, *settings.systems])
        raise NotFound(f"{error}; nor is it a system: those are {systems}") from None


def _differ(settings: AppSettings, baseline: str | None, candidate: str) -> None:
    same = baseline == candidate
    if baseline is None and candidate.startswith(MODEL):
        same = RegistryPromoter(settings).serving() == candidate.removeprefix(MODEL)
    if same:
        raise BadInput(
            f"{candidate} is what serves already: name another model to roll out", field="model"
        )


def rollouts_of(store: ExperimentStore) -> Sequence[Experiment]:
    """All rollouts, the newest first."""
    return [each for each in store.experiments() if each.kind == "rollout"]


def rollout_of(store: ExperimentStore, name: str, *, running: bool = False) -> Experiment:
    """One rollout.

    Raises:
        NotFound: there is none of this name.
        BadInput: it is stopped, though it must be running.
    """
    found = rollouts_of(store)
    for each in found:
        if each.name == name:
            if running and each.status != "running":
                raise BadInput(
                    f"{name} is stopped ({each.reason}), and stays so: start another", field="name"
                )
            return each
    known = ", ".join(each.name for each in found) or "none"
    raise NotFound(f"there is no rollout {name[:70]!r}; there are: {known}")


def decision_now(store: ExperimentStore, experiment: Experiment, now: float) -> Decision:
    """What a leader would do with a rollout now."""
    return decide(stage_of(store, experiment), BOUNDS, now)


def advanced(store: ExperimentStore, name: str, reason: str, now: float) -> Experiment:
    """Takes the next step though the stage is not over.

    Raises:
        NotFound, BadInput: there is no such rollout or step, or a guardrail breaks.
        StorageFailed: the store is away, or somebody else changed it at this moment.
    """
    experiment = rollout_of(store, name, running=True)
    share = above(experiment.ramp, experiment.share)
    if share is None:
        raise BadInput(f"{name} is at its last step, {experiment.share:.0%}", field="name")
    breaks = [
        one.reason
        for one in checks_of(stage_of(store, experiment), BOUNDS)
        if one.state == "breaks"
    ]
    if breaks:
        raise BadInput(f"{name} does not advance: {'; '.join(breaks)}", field="name")
    return _moved(store, experiment, share, reason, now)


def taken_back(store: ExperimentStore, name: str, reason: str, now: float) -> Experiment:
    """Goes one step back.

    Raises:
        NotFound, BadInput: there is no such rollout or step.
        StorageFailed: the store is away, or somebody else changed it at this moment.
    """
    experiment = rollout_of(store, name, running=True)
    share = below(experiment.ramp, experiment.share)
    if share is None:
        raise BadInput(f"{name} is at its first step; end it with aisle rollout stop", field="name")
    return _moved(store, experiment, share, reason, now)


def stopped(store: ExperimentStore, name: str, reason: str, now: float) -> Experiment:
    """Ends a rollout: everybody has the baseline again.

    Raises:
        NotFound, BadInput: there is no such rollout, or it is stopped already.
        StorageFailed: the store is away, or somebody else changed it at this moment.
    """
    experiment = rollout_of(store, name, running=True)
    done = replace(experiment, status="stopped", share=0.0, stopped=now, reason=reason)
    return _kept(store, experiment, done, Step(now, name, STOPPED, reason, 0.0))


def promoted(settings: AppSettings, store: ExperimentStore, name: str, now: float) -> str:
    """Puts the model of a rollout at 100% to use; its version. A leader stops the rollout.

    Raises:
        NotFound, BadInput: there is no such rollout, it is not at 100%, or its candidate is no
            model of the registry.
        StorageFailed: the store is away, or somebody else changed it at this moment.
    """
    experiment = rollout_of(store, name, running=True)
    if experiment.share < 1:
        raise BadInput(f"{name} is at {experiment.share:.0%}, not yet at 100%", field="name")
    if not experiment.ramp.promote:
        wanted = replace(experiment, ramp=replace(experiment.ramp, promote=True))
        step = Step(now, name, SHARE, "its model is to serve without it", experiment.share)
        experiment = _kept(store, experiment, wanted, step)
    version = promote(store, RegistryPromoter(settings), experiment, now)
    if version is None:
        raise BadInput(f"{experiment.arms[1].system} is no model of the registry", field="name")
    return version


def _moved(
    store: ExperimentStore, experiment: Experiment, share: float, reason: str, now: float
) -> Experiment:
    step = Step(now, experiment.name, SHARE, reason, share)
    return _kept(store, experiment, replace(experiment, share=share), step)


def _kept(store: ExperimentStore, before: Experiment, after: Experiment, step: Step) -> Experiment:
    if not store.change(after, step, before):
        raise StorageFailed(f"{before.name} was changed by somebody else just now; look again")
    return after
