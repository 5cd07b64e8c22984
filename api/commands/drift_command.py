"""`aisle drift`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json, Picture

if TYPE_CHECKING:
    from training.drift import Drift, Moved

_MOST = 10


def command(
    data: Data = DEFAULT_DATA,
    events: Annotated[
        list[Path] | None,
        typer.Option("--events", help="The log; the data directory's own unless named."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="A model file; the one in use unless named.")
    ] = None,
    days: Annotated[
        float, typer.Option(help="Recent whole days to look at, up to yesterday; 0 for all.", min=0)
    ] = 7,
    picture: Picture = None,
    json: Json = False,
) -> None:
    """Compare what is searched and shown since the model was made with the days it learned
    from."""
    from api.commands.console import out, print_json
    from api.drift_file import write_drift
    from api.drifting import look_for_drift
    from api.settings import load_settings
    from search.settings import MODEL_FILE
    from training.drift import draw_drift

    settings = load_settings(data)
    path = model or settings.ranking.model or settings.data / MODEL_FILE
    drift = look_for_drift(events or [settings.data], path, days)
    if not events and model is None:
        write_drift(settings.data, drift)
    if picture is not None:
        picture.write_text(draw_drift(drift), encoding="utf-8")
    if json:
        print_json(asdict(drift))
        return
    if drift.queries or drift.features:
        out.print(_table(drift))
    out.print(drift.sentence, markup=False)
    if picture is not None:
        out.print(f"The picture is in {picture}.")


def _table(drift: Drift) -> object:
    from rich.table import Table

    table = Table("", "stability index", "K-S distance", "median then", "median now", "state")
    for each in (drift.scores, drift.queries, drift.results, *drift.features[:_MOST]):
        if each is not None:
            table.add_row(*_row(each))
    return table


def _row(each: Moved) -> tuple[str, ...]:
    if each.name == "queries":
        return ("queries", f"{each.index:.3f}", "", "", f"{each.now:.1%} new", each.state)
    numbers = (f"{value:.4g}" for value in (each.distance, each.before, each.now))
    return (each.name, f"{each.index:.3f}", *numbers, each.state)
