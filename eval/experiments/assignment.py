"""Who sees what: hashed, salted, the same in every process and on every page.

A unit's point in a layer says which experiment it is in, another point of the experiment's own
whether it takes part and in which arm, so that the arms of one experiment are no function of those
of another (Tang et al., Overlapping Experiment Infrastructure, KDD 2010, sections 4 and 5). When a
share grows, whoever was in stays in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import sha256

from eval.experiments.types import Arm, Experiment
from search.errors import BadInput
from search.types import UNTREATED, Interleaving, Treatment

_RANGE = float(2**64)
_ROUNDING = 1e-9


def point(*parts: str) -> float:
    """Where some names fall between 0 and 1 (1 excluded); independent for different names."""
    return _number(*parts) / _RANGE


def _number(*parts: str) -> int:
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:7] + b"\0")


def in_slot(experiment: Experiment, unit: str) -> bool:
    """Whether a unit belongs to an experiment's part of its layer."""
    low, high = experiment.slot
    return low <= point("layer", experiment.layer, unit) < high


def arm_of(experiment: Experiment, unit: str) -> Arm | None:
    """The arm that a unit is in; None outside of the experiment. When all arms are interleaved it
    is the baseline."""
    if not unit or not in_slot(experiment, unit):
        return None
    taking_part = point("share", experiment.salt, unit) < experiment.share
    if experiment.kind == "rollout":
        return experiment.arms[1] if taking_part else experiment.baseline
    if not taking_part:
        return None
    if experiment.kind in ("interleave", "shadow"):
        return experiment.baseline
    place = point("arm", experiment.salt, unit) * sum(arm.weight for arm in experiment.arms)
    for arm in experiment.arms:
        place -= arm.weight
        if place < 0:
            return arm
    return experiment.arms[-1]


def unit_of(experiment: Experiment, session: str, client: str) -> str:
    """What is assigned: the session or the client, "" where it is not known."""
    return session if experiment.unit == "session" else client


def treat(experiments: Iterable[Experiment], session: str, client: str, query: str) -> Treatment:
    """What the running experiments decide for a search: `session` and `client` as the shop names
    them, `query` as normalized as it may be: the coins of an interleaving are those of the unit and
    the query, so that a search that is repeated has the same list."""
    names: list[str] = []
    arms: list[str] = []
    chosen = UNTREATED
    for each in experiments:
        unit = unit_of(each, session, client)
        if each.status != "running" or each.kind == "shadow":
            continue
        arm = arm_of(each, unit)
        if arm is None:
            continue
        names.append(each.name)
        arms.append("" if each.kind == "interleave" else arm.name)
        if each.kind == "interleave":
            chosen = Treatment(diversity=chosen.diversity, interleaving=_plan(each, unit, query))
        else:
            chosen = Treatment(
                system=arm.system or chosen.system,
                diversity=chosen.diversity if arm.diversity is None else arm.diversity,
                interleaving=chosen.interleaving,
            )
    if not names:
        return UNTREATED
    return Treatment(
        tuple(names), tuple(arms), chosen.system, chosen.diversity, chosen.interleaving
    )


def _plan(experiment: Experiment, unit: str, query: str) -> Interleaving:
    return Interleaving(
        method=experiment.method,
        arms=tuple(arm.name for arm in experiment.arms),
        systems=tuple(arm.system or "" for arm in experiment.arms),
        seed=_number("coins", experiment.salt, unit, " ".join(query.casefold().split())) >> 11,
        rankings=experiment.debiased,
    )


def free_slot(
    others: Sequence[Experiment], layer: str, wanted: float, *, elsewhere: bool = True
) -> tuple[float, float]:
    """A part of a layer that no running experiment has, `wanted` of its length; `elsewhere` says
    whether another layer would do as well.

    Raises:
        BadInput: the layer has no such part; says what is free, who has the rest, and what to do.
    """
    free = _free(others, layer)
    for start, end in free:
        if end - start >= wanted - _ROUNDING:
            return start, min(start + wanted, end)
    left = most_free(others, layer)
    advice = "stop one, or create it with less --traffic next time"
    if left:
        advice = f"stop one, or ask for --traffic {left:g} at most"
    raise BadInput(
        f"layer {layer} has {left:.0%} of the traffic left, not {wanted:.0%}: "
        f"{_taken(others, layer)}; {advice}{', or use another --layer' if elsewhere else ''}",
        field="traffic",
    )


def most_free(others: Iterable[Experiment], layer: str) -> float:
    """The greatest part of a layer that can be had, in whole percents."""
    largest = max((end - start for start, end in _free(others, layer)), default=0.0)
    return math.floor(100 * (largest + _ROUNDING)) / 100


def _free(others: Iterable[Experiment], layer: str) -> list[tuple[float, float]]:
    free, low = [], 0.0
    for start, end in [*sorted(each.slot for each in others if each.layer == layer), (1.0, 1.0)]:
        if start > low:
            free.append((low, start))
        low = max(low, end)
    return free


def _taken(others: Iterable[Experiment], layer: str) -> str:
    """Who has how much of a layer."""
    return ", ".join(
        f"{each.name} has {each.slot[1] - each.slot[0]:.0%}"
        for each in others
        if each.layer == layer
    )
