"""`aisle experiment`: make experiments on live traffic, look at them, stop them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from api.experiments.seams import ExperimentStore
    from api.settings import AppSettings
    from eval.experiments import Experiment

command = typer.Typer(no_args_is_help=True, help="Experiments on live traffic.")

Name = Annotated[str, typer.Argument(help="The experiment (aisle experiment list).")]
_TRIES = 20


for _name in ("create", "report"):
    _loaded = import_module(f"api.commands.experiment_{_name}_command").command
    command.command(_name)(_loaded)


@command.command("list")
def list_(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """List all experiments, the newest first, stopped ones too."""
    from api.commands.console import out, print_json
    from api.experiments.text import list_table

    found = _store(data).experiments()
    if json:
        print_json([asdict(each) for each in found])
    elif found:
        out.print(list_table(found))
    else:
        out.print("There are no experiments; aisle experiment create makes one.")


@command.command("status")
def status(name: Name, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Show what servers counted in each arm so far, and the last change. Whether an arm is better
    is what aisle experiment report says."""
    from api.commands.console import out, print_json
    from api.experiments.opening import missing, open_store
    from api.experiments.shadow_report import shadow_report
    from api.experiments.steering import watched
    from api.experiments.text import (
        by_arm,
        guardrail_table,
        list_table,
        percentile,
        status_table,
    )

    settings = _settings(data)
    store = open_store(settings)
    found = named(store, name)
    tallies, steps = store.tallies(name), store.history(name)
    waits = missing(found, settings) if found.status == "running" else ()
    guards = []
    if found.kind == "ab" and found.status == "running":
        guards = [asdict(each) for each in watched(store, found, time.time()).checks]
    if json:
        arms = {
            arm: {**asdict(tally), "p99_below": percentile(tally)}
            for arm, tally in by_arm(tallies).items()
        }
        last = asdict(steps[-1]) if steps else None
        told: dict[str, Any] = {
            "experiment": asdict(found),
            "arms": arms,
            "last": last,
            "waits": waits,
        }
        if found.kind == "shadow":
            told["shadow"] = shadow_report(store, found)[0]
        if found.kind == "ab":
            told["guardrails_now"] = guards
        print_json(told)
        return
    out.print(list_table([found]))
    for reason in waits:
        out.print(f"{name} waits: {reason}.", markup=False)
    if found.kind == "shadow":
        out.print(shadow_report(store, found)[1].partition("\n")[0], markup=False)
    if tallies:
        out.print(status_table(found, tallies))
    else:
        out.print(
            "Servers counted nothing yet: /readyz of each says whether it follows the experiment.",
            markup=False,
        )
    if guards:
        out.print(guardrail_table(guards))
    if steps:
        out.print(f"Last: {steps[-1].what} ({steps[-1].reason}).", markup=False)


@command.command("stop")
def stop(
    name: Annotated[str | None, typer.Argument(help="The experiment to stop.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Stop everything that runs.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "stopped by an operator",
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Stop an experiment for good, or --all of them: within a second or so every server answers as
    before. A stopped experiment is kept with its history and cannot be started again."""
    from api.commands.console import out, print_json
    from search.errors import BadInput

    if (name is None) != all_:
        raise BadInput("name one experiment, or give --all", field="name")
    store = _store(data)
    chosen: Sequence[Experiment]
    if name is None:
        chosen = [each for each in store.experiments() if each.status == "running"]
    else:
        chosen = [named(store, name)]
        if chosen[0].status != "running":
            raise BadInput(f"{name} is stopped already ({chosen[0].reason})", field="name")
    stopped = [each.name for each in chosen if _stop(store, each.name, reason)]
    if json:
        print_json({"stopped": stopped, "reason": reason})
    else:
        said = f"Stopped: {', '.join(stopped)}." if stopped else "Nothing runs."
        out.print(said, markup=False)


@command.command("history")
def history(
    name: Annotated[str | None, typer.Argument(help="One experiment; all if not said.")] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Show every change of an experiment, or of all, with its reason."""
    from api.commands.console import out, print_json
    from api.experiments.text import history_table

    store = _store(data)
    if name is not None:
        named(store, name)
    steps = store.history(name)
    if json:
        print_json([asdict(step) for step in steps])
    elif steps:
        out.print(history_table(steps, store.experiments()))
    else:
        out.print("Nothing was done yet.")


def named(store: ExperimentStore, name: str) -> Experiment:
    """An experiment by name.

    Raises:
        NotFound: there is none.
    """
    from search.errors import NotFound

    there = store.experiments()
    for each in there:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in there) or "none yet"
    raise NotFound(f"there is no experiment {name}; there are: {known}")


def _settings(data: Path) -> AppSettings:
    from api.settings import load_settings, require_data

    settings = load_settings(data)
    require_data(settings.data)
    return settings


def _store(data: Path) -> ExperimentStore:
    from api.experiments.opening import open_store

    return open_store(_settings(data))


def _stop(store: ExperimentStore, name: str, reason: str) -> bool:
    """Whether this stopped it; somebody else may have changed it a moment ago, which is no reason
    to let it run."""
    from eval.experiments import Step
    from search.errors import StorageFailed

    for _ in range(_TRIES):
        current = named(store, name)
        if current.status != "running":
            return False
        now = time.time()
        stopped = replace(current, status="stopped", stopped=now, reason=reason)
        if store.change(stopped, Step(now, name, "stopped", reason, current.share), current):
            return True
    raise StorageFailed(f"{name} is changed all the time by others; stop it again")
