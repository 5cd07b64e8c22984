"""`aisle eval diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json, Picture


def command(
    one: Annotated[str, typer.Argument(help="A kept run: a name (aisle eval runs) or a file.")],
    other: Annotated[str, typer.Argument(help="The run to compare it with.")],
    data: Data = DEFAULT_DATA,
    metrics: Annotated[
        str | None, typer.Option(help="Of those that both were scored by; all unless given.")
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            help="Exit with 1 if this holds for second − first, such as 'ndcg@10 < -0.01'.",
        ),
    ] = None,
    picture: Picture = None,
    json: Json = False,
) -> None:
    """Compare two runs that were kept, query by query, and say what they were made from that is not
    the same."""
    from api.commands.eval_command import show
    from api.evaluating.kept import compare_kept
    from api.evaluating.sources import RUNS
    from eval import load_run, split_names

    runs = [load_run(name, data / RUNS) for name in (one, other)]
    asked = split_names(metrics) if metrics else None
    report = compare_kept(runs[0], runs[1], asked, fail_if or ())
    show(report, picture, json=json)
