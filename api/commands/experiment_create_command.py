"""`aisle experiment create`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.guardrail_options import Limits, with_limits
from api.commands.options import DEFAULT_DATA, Data, Json, at

if TYPE_CHECKING:
    from eval.experiments import Arm, Experiment, Unit

System = Annotated[
    str | None,
    typer.Option(help=r"A system by name (hybrid, ranked, one of \[systems], model:VERSION)."),
]


class KindOf(StrEnum):
    """`eval.experiments.Kind`."""

    interleave = "interleave"
    ab = "ab"
    shadow = "shadow"
    rollout = "rollout"


class UnitOf(StrEnum):
    """`eval.experiments.Unit`."""

    session = "session"
    client = "client"


@with_limits
def command(
    name: Annotated[str, typer.Argument(help="What to call it; names are not used twice.")],
    kind: Annotated[
        KindOf,
        typer.Option(
            help="interleave: one list of all arms; ab: each unit sees one arm; shadow: the"
            " candidate ranks unseen; rollout: the candidate takes over step by step."
        ),
    ],
    a: System = None,
    b: System = None,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            "--arm",
            help="One more arm, NAME=SYSTEM or NAME=SYSTEM:WEIGHT; the first arm of all"
            " is the baseline.",
        ),
    ] = None,
    diversity: Annotated[
        list[str] | None,
        typer.Option("--diversity", help="How much variety an arm has, as ARM=0.3; ab only."),
    ] = None,
    unit: Annotated[
        UnitOf | None,
        typer.Option(help="What is assigned and counted; clients in a rollout, else sessions."),
    ] = None,
    traffic: Annotated[
        float,
        typer.Option(
            help="The share of its layer's units that it may use; of a shadow, which is in no"
            " layer, of all units."
        ),
    ] = 1.0,
    layer: Annotated[
        str, typer.Option(help="Experiments of one layer never meet in a unit.")
    ] = "ranking",
    method: Annotated[
        str,
        typer.Option(
            help="Of interleaving: team-draft, balanced, probabilistic, optimized or preference."
        ),
    ] = "team-draft",
    alpha: Annotated[
        float, typer.Option(help="The error allowed, however often one looks.")
    ] = 0.05,
    debiased: Annotated[
        bool,
        typer.Option("--debiased", help="Credit clicks by how likely their places are looked at."),
    ] = False,
    allow_same: Annotated[
        bool, typer.Option("--allow-same", help="Let arms be the same: an A/A test.")
    ] = False,
    limits: Limits = Limits(),
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "created by an operator",
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Start an experiment on live traffic: within a second or so every server follows it. An A/B
    test is stopped by servers when an arm surely breaks a guardrail (--p99 to --revenue)."""
    from api.commands.console import out, print_json, say
    from api.commands.waiting import saying
    from api.experiments.checking import check_systems
    from api.experiments.creating import check_traffic, placed
    from api.experiments.opening import open_store
    from api.settings import load_settings, require_data
    from eval.experiments import Experiment, Step
    from eval.experiments.checks import check

    wanted = Experiment(
        name,
        kind.value,
        _arms(a, b, arm or [], diversity or []),
        unit=_unit(kind, unit),
        layer=layer,
        method=method,
        alpha=alpha,
        debiased=debiased,
        guardrails=limits.guardrails(),
    )
    if wanted.kind == "rollout":
        wanted = replace(wanted, share=wanted.ramp.steps[0])
    elif wanted.kind == "shadow":
        wanted = replace(wanted, share=traffic)
    check(wanted, allow_same=allow_same)
    check_traffic(traffic)
    settings = load_settings(data)
    require_data(settings.data)
    store = open_store(settings)
    # What can be said at once is, before systems are opened.
    placed(wanted, store.experiments(), traffic, "", 0.0)
    with saying("Opening the systems, to see that they are there and differ."):
        remarks = asyncio.run(check_systems(wanted, settings, allow_same=allow_same))
    for remark in remarks:
        say(f"Note: {remark}.")
    made = store.create(wanted, traffic, Step(_now(), name, "created", reason, wanted.share))
    if json:
        print_json(asdict(made))
    else:
        for line in _said(made, at(data)):
            out.print(line, markup=False, soft_wrap=line.startswith(" "))


def _unit(kind: KindOf, unit: UnitOf | None) -> Unit:
    """A rollout follows clients unless told otherwise: nobody should go back and forth."""
    if unit is not None:
        return unit.value
    return "client" if kind is KindOf.rollout else "session"


def _arms(a: str | None, b: str | None, more: list[str], diversity: list[str]) -> tuple[Arm, ...]:
    """The arms in the order they were given; one that has variety alone keeps the system in
    use."""
    from eval.experiments import Arm
    from search.errors import BadInput

    arms = [Arm(name, system) for name, system in (("a", a), ("b", b)) if system is not None]
    arms += [_arm(text) for text in more]
    arms = [replace(arm, system=_anywhere(arm.system)) for arm in arms]
    for text in diversity:
        name, _, value = text.partition("=")
        try:
            amount = float(value)
        except ValueError:
            raise BadInput(f"{text!r} says no variety; write ARM=0.3", field="diversity") from None
        there = [number for number, arm in enumerate(arms) if arm.name == name]
        if not there:
            arms.append(Arm(name, None, amount))
        for number in there:
            arms[number] = replace(arms[number], diversity=amount)
    return tuple(arms)


def _arm(text: str) -> Arm:
    """An arm of NAME=SYSTEM or NAME=SYSTEM:WEIGHT; names of systems may have one colon of their
    own (model:VERSION)."""
    from eval.experiments import Arm
    from search.build import LTR, MODEL
    from search.errors import BadInput

    name, found, system = text.partition("=")
    if not found:
        raise BadInput(
            f"{text!r} names no system; write NAME=SYSTEM or NAME=SYSTEM:WEIGHT", field="arm"
        )
    own = system.startswith((MODEL, LTR))
    parts = system.split(":")
    weight = 1.0
    if len(parts) > 1 + own:
        try:
            weight = float(parts[-1])
        except ValueError:
            raise BadInput(f"{text!r}: {parts[-1]!r} is no weight", field="arm") from None
        system = ":".join(parts[:-1])
    return Arm(name, system or None, weight=weight)


def _anywhere(system: str | None) -> str | None:
    """A system as servers find it, which may work in another directory: files by their whole
    path."""
    from search.build import LTR

    if system is None or not system.startswith(LTR):
        return system
    return f"{LTR}{Path(system.removeprefix(LTR)).absolute()}"


def _now() -> float:
    import time

    return time.time()


def _said(made: Experiment, data: str) -> Iterator[str]:
    """What runs now, and a line for each command that comes next."""
    from api.experiments.creating import whole_layer
    from api.experiments.text import arm_text, traffic_text

    arms = ", ".join(map(arm_text, made.arms))
    yield f"{made.name} runs: {arms}, {traffic_text(made)}.{whole_layer(made)}"
    yield f"  aisle experiment report {made.name}{data}    says what comes of it"
    yield f"  aisle experiment stop {made.name}{data}      ends it"
