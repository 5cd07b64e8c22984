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
    from rich.table import Table

    from api.commands.console import out, print_json, say
    from api.evaluating.sources import RUNS
    from eval import list_runs
    from eval.stored import run_name

    place = directory or data / RUNS
    listed = list_runs(place)
    if json:
        print_json({"runs": [_about(each.path, each.run, each.fault, place) for each in listed]})
        return
    if not listed:
        say(f"no run in {place} yet; aisle eval --save NAME keeps some")
        return
    table = Table("run", "made (UTC)", "queries", "metric", "mean", "95%", "judgments", "snapshot")
    for each in listed:
        name = run_name(each.path, place)
        if each.run is None:
            say(each.fault)
            continue
        metric, mean, bounds = _first(each.run)
        made = datetime.fromtimestamp(each.run.created, UTC).strftime("%Y-%m-%d %H:%M")
        inputs, versions = each.run.inputs, each.run.versions
        judged = inputs.get("judgments", "")[:8]
        cells = (made, str(len(each.run.queries)), metric, mean, bounds, judged)
        table.add_row(name, *cells, versions.get("snapshot", "–"))
    out.print(table)


def _first(run: Any) -> tuple[str, str, str]:
    scores = run.scores()
    if not scores:
        return "–", "–", "–"
    metric, found = next(iter(scores.items()))
    return metric, f"{found.mean:.3f}", f"{found.low:.3f}–{found.high:.3f}"


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
