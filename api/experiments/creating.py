"""What every store does with a new experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eval.experiments import Experiment, free_slot
from search.errors import BadInput


def placed(
    new: Experiment, others: Sequence[Experiment], traffic: float, salt: str, now: float
) -> Experiment:
    """A new experiment with its slot, salt and time, beside the others.

    Raises:
        BadInput: its name is taken, its layer full, or another layer's experiment decides the
            same.
    """
    for each in others:
        if each.name == new.name:
            again = "; a stopped one cannot be started again" if each.status == "stopped" else ""
            raise BadInput(
                f"there is an experiment {new.name} already ({each.status}){again}: names are not "
                "used twice, so that its clicks stay its own; choose another",
                field="name",
            )
    running = [each for each in others if each.status == "running" and each.kind != "shadow"]
    slot = (0.0, 1.0) if new.kind == "shadow" else free_slot(running, new.layer, traffic)
    for each in running:
        if new.kind != "shadow" and each.layer != new.layer and _both(each, new):
            raise BadInput(
                f"{each.name} in layer {each.layer} decides the same as {new.name} would: give "
                f"both --layer {each.layer}, where they do not meet",
                field="layer",
            )
    return replace(new, slot=slot, salt=salt, created=now, status="running")


def _both(one: Experiment, other: Experiment) -> bool:
    """Whether two experiments decide the system, or both the variety."""
    return any(
        any(getattr(arm, what) is not None for arm in one.arms)
        and any(getattr(arm, what) is not None for arm in other.arms)
        for what in ("system", "diversity")
    )
