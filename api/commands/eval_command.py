"""`aisle eval`."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from eval import Report


class EvaluationMode(StrEnum):
    """What the systems rank."""

    full = "full"
    rerank = "rerank"


Judged = Annotated[
    Path, typer.Option("--judgments", help="CSV, TSV or TREC qrels; columns are found by name.")
]
Systems = Annotated[str, typer.Option(help="Names joined by commas; random is the floor.")]


def command(
    judgments: Judged,
    data: Data = DEFAULT_DATA,
    systems: Systems = "bm25,dense,hybrid,random",
    mode: Annotated[
        EvaluationMode, typer.Option(help="Search everything, or order the judged products only.")
    ] = EvaluationMode.full,
    metrics: Annotated[
        str | None, typer.Option(help="Names joined by commas, such as ndcg@10,mrr@10.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random floor and the tests.")] = 0,
    check: Annotated[
        bool, typer.Option("--verify", help="Compute the metrics with ranx as well and compare.")
    ] = False,
    json: Json = False,
) -> None:
    """Score systems against human judgments, with intervals and paired comparisons."""
    from api.commands.console import out, print_json
    from eval import format_report, report_json

    report = asyncio.run(_evaluate(data, judgments, systems, mode, metrics, seed, check))
    if json:
        print_json(report_json(report))
    else:
        out.print(format_report(report))


async def _evaluate(
    data: Path,
    judgments: Path,
    systems: str,
    mode: EvaluationMode,
    metrics: str | None,
    seed: int,
    check: bool,
) -> Report:
    from api.commands.console import say
    from api.evaluation import IndexSearcher
    from api.settings import load_settings
    from eval import DEFAULT_METRICS, collect_runs, evaluate, load_judgments, verify
    from search.build import open_search

    judged = load_judgments(judgments)
    search = await open_search(load_settings(data))
    try:
        runs, notes = await collect_runs(
            IndexSearcher(search), judged, _names(systems), mode=mode.value, seed=seed
        )
    finally:
        await search.close()
    asked = _names(metrics) if metrics else DEFAULT_METRICS
    report = evaluate(judged, runs, metrics=asked, seed=seed, notes=notes)
    if check:
        for metric, gap in verify(report, judged, runs).items():
            say(f"{metric}: within {gap:.1g} of ranx's value for every query")
    return report


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
