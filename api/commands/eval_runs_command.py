"""`aisle eval runs`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json


def command(
    directory: Annotated[
        Path | None, typer.Argument(help="A directory of runs; DATA/runs unless given.")
    ] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """List the runs that were kept, the newest first."""
    from api.commands.console import out, print_json, say
    from api.evaluating.sources import RUNS
    from api.settings import require_data
    from eval import list_runs
    from eval.stored import run_name
    from search.errors import BadInput

    place = directory or data / RUNS
    if directory is None:
        require_data(data)
    elif not directory.is_dir():
        raise BadInput(f"there is no directory {directory}; name one of runs", field="directory")
    listed = list_runs(place)
    if json:
        print_json({"runs": [_about(each.path, each.run, each.fault, place) for each in listed]})
        return
    if not listed:
        say(f"no run in {place} yet; aisle eval --save NAME keeps some")
        return
    for each in listed:
        if each.run is None:
            say(each.fault)
            continue
        # A name is there to be copied: it has a line for itself.
        out.print(run_name(each.path, place), markup=False, soft_wrap=True)
        out.print(f"  {_facts(each.run)}", markup=False, soft_wrap=True)


def _facts(run: Any) -> str:
    made = datetime.fromtimestamp(run.created, UTC).strftime("%Y-%m-%d %H:%M")
    judged = run.inputs.get("judgments", "")[:8]
    return f"{made}  {len(run.queries):,} queries  {_first(run)}  judged {judged}"


def _first(run: Any) -> str:
    """The first metric's mean with its interval."""
    for metric, found in run.scores().items():
        return f"{metric} {found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"
    return "–"


def _about(path: Path, run: Any, fault: str, place: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from eval.stored import run_name

    if run is None:
        return {"name": run_name(path, place), "path": str(path), "fault": fault}
    return {
        "name": run_name(path, place),
        "path": str(path),
        "system": run.system,
        "created": run.created,
        "queries": len(run.queries),
        "mode": run.mode,
        "seed": run.seed,
        "scores": {metric: asdict(each) for metric, each in run.scores().items()},
        "inputs": run.inputs,
        "versions": run.versions,
        "command": run.command,
    }
