"""What every store does with a new experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eval.experiments import Experiment, free_slot
from eval.experiments.assignment import most_free
from search.errors import BadInput


def placed(
    new: Experiment, others: Sequence[Experiment], traffic: float, salt: str, now: float
) -> Experiment:
    """A new experiment with its slot, salt and time, beside the others. A shadow is in no layer:
    nobody sees it, so that it may share units with anything; traffic is its share of all units.

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
    new = replace(new, salt=salt, created=now, status="running")
    if new.kind == "shadow":
        return replace(new, slot=(0.0, 1.0), share=traffic)
    alike = [each for each in running if _both(each, new)]
    for each in alike:
        if each.layer != new.layer:
            raise BadInput(
                f"{each.name} in layer {each.layer} decides the same as {new.name} would: "
                f"{_instead(running, each)}",
                field="layer",
            )
    return replace(new, slot=free_slot(running, new.layer, traffic, elsewhere=not alike))


def check_traffic(traffic: float) -> None:
    """Refuses a share that cannot be had.

    Raises:
        BadInput: it is not more than 0 and at most 1.
    """
    if not 0 < traffic <= 1:
        raise BadInput(
            f"{traffic:g} of the traffic cannot be had; give more than 0, at most 1",
            field="traffic",
        )


def whole_layer(made: Experiment) -> str:
    """A warning, when nothing of its layer is left beside an experiment."""
    low, high = made.slot
    if made.kind == "shadow" or high - low < 1:
        return ""
    return (
        f" It takes the whole of layer {made.layer}: nothing else of this layer can start; "
        "--traffic .5 leaves half."
    )


def _instead(running: Sequence[Experiment], other: Experiment) -> str:
    """What to do, when two decide the same: only one layer keeps them apart, and it may be full."""
    left = most_free(running, other.layer)
    if left:
        return f"give --layer {other.layer} --traffic {left:g} at most, where they do not meet"
    low, high = other.slot
    return (
        f"stop it, or create it with less --traffic next time; it has {high - low:.0%} of its "
        "layer, which is full"
    )


def _both(one: Experiment, other: Experiment) -> bool:
    """Whether two experiments decide the system, or both the variety."""
    return any(
        any(getattr(arm, what) is not None for arm in one.arms)
        and any(getattr(arm, what) is not None for arm in other.arms)
        for what in ("system", "diversity")
    )
