"""`aisle train curve`: what a model gains with ever more judged queries."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json, Picture
from api.commands.train_command import Depth, Mode, TrainingMode, pairs, read_tables

if TYPE_CHECKING:
    from rich.table import Table

    from training import Point


def command(
    data: Data = DEFAULT_DATA,
    judgments: Annotated[
        Path | None, typer.Option("--judgments", help="CSV, TSV or TREC qrels.")
    ] = None,
    mode: Mode = TrainingMode.full,
    depth: Depth = 200,
    repeats: Annotated[int, typer.Option(help="Folds held out in turn.", min=1, max=5)] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the folds and of what is drawn.")] = 0,
    picture: Picture = None,
    json: Json = False,
) -> None:
    """Draw what a model gains over the fused order with 20 to 5,000 judged queries."""
    from api.commands.console import out, print_json, say, stages
    from training import draw, learning_curve

    [(place, judged)] = pairs([data], [judgments] if judgments else None)
    with stages() as progress:
        tables, _ = read_tables(place, judged, mode, depth, progress)
        points = learning_curve(
            tables,
            repeats=repeats,
            seed=seed,
            progress=lambda done, total: progress("training", done, total),
        )
    if picture is not None:
        title = f"Gain in nDCG@10 over hybrid, {place.resolve().name}, {mode.value}"
        picture.write_text(draw(points, title), encoding="utf-8")
        say(f"drawn: {picture}")
    if json:
        print_json({"mode": mode.value, "points": [asdict(point) for point in points]})
    else:
        out.print(_table(points))


def _table(points: tuple[Point, ...]) -> Table:
    from rich.table import Table

    kinds = list(dict.fromkeys(point.kind for point in points))
    table = Table("training queries", *kinds, title="nDCG@10 − hybrid, with 95% intervals")
    for size in sorted({point.queries for point in points}):
        by_kind = {point.kind: point.against for point in points if point.queries == size}
        cells = (f"{d.delta:+.4f} [{d.low:+.4f}, {d.high:+.4f}]" for d in by_kind.values())
        table.add_row(f"{size:,}", *cells)
    return table
