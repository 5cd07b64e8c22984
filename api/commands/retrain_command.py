"""`aisle retrain`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.async_work import wait_for
from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from api.retraining import Outcome, RetrainTask

BUSY = 75
"""The exit code when another retraining runs: EX_TEMPFAIL of sysexits.h."""


def command(
    data: Data = DEFAULT_DATA,
    judgments: Annotated[
        Path | None,
        typer.Option("--judgments", help="For the gate alone; CSV, TSV or TREC qrels."),
    ] = None,
    learner: Annotated[str, typer.Option(help="How to learn; see aisle train.")] = "eb-labels",
    estimator: Annotated[str, typer.Option(help="poisson, allpairs, em or chain.")] = "poisson",
    graded: Annotated[
        bool, typer.Option("--graded", help="Count carts and purchases above clicks.")
    ] = False,
    window_days: Annotated[
        float,
        typer.Option(help="Days of the log to use, up to the last whole one; 0 for all.", min=0),
    ] = 30.0,
    held_out: Annotated[
        float, typer.Option(help="Share of these days, the latest, that the gate judges by.")
    ] = 0.2,
    if_drifted: Annotated[
        bool, typer.Option("--if-drifted", help="Only if aisle drift says so.")
    ] = False,
    if_older_than: Annotated[
        float | None,
        typer.Option("--if-older-than", help="Only if the model in use is so many days old."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Learn a new model from the log and put it to use if the gate lets it; goes on where an
    earlier call was stopped. Safe to schedule."""
    from api.retraining import RetrainTask, plan_of
    from api.settings import require_data

    require_data(data)
    task = RetrainTask(
        data,
        judgments,
        learner,
        estimator,
        graded,
        window_days,
        held_out,
        if_drifted=if_drifted,
        if_older_than=if_older_than,
    )
    outcome = plan_of(task) if dry_run else _run(task, quiet=json)
    _print(outcome, json=json)


def _run(task: RetrainTask, *, quiet: bool) -> Outcome:
    from api.commands.console import say, stages
    from api.retraining import retrain
    from api.retraining.lock import RetrainingBusy

    try:
        with stages(quiet=quiet) as progress:
            return wait_for(retrain(task, say, progress))
    except RetrainingBusy as busy:
        say(f"aisle: {busy}")
        raise typer.Exit(BUSY) from None
    except KeyboardInterrupt:
        say("aisle: stopped; the same command goes on where it was")
        raise typer.Exit(130) from None


def _print(outcome: Outcome, *, json: bool) -> None:
    from api.commands.console import out, print_json
    from api.commands.models_gate import told

    if json:
        print_json(asdict(outcome))
        return
    for line in told(outcome.checks):
        out.print(f"  {line}", markup=False)
    out.print(f"{outcome.outcome}: {outcome.sentence}.", markup=False)
