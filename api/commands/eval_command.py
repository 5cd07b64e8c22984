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
    json: Json = False,
) -> None:
    """Score systems against human judgments, with intervals and paired comparisons."""
    from api.commands.console import out, print_json
    from eval import format_report, report_json

    report = asyncio.run(_evaluate(data, judgments, systems, mode, metrics, seed))
    if json:
        print_json(report_json(report))
    else:
        out.print(format_report(report))


async def _evaluate(
    data: Path, judgments: Path, systems: str, mode: EvaluationMode, metrics: str | None, seed: int
) -> Report:
    from api.evaluation import IndexSearcher
    from api.settings import load_settings
    from eval import DEFAULT_METRICS, evaluate_systems, load_judgments
    from search.build import open_search

    judged = load_judgments(judgments)
    search = await open_search(load_settings(data))
    try:
        return await evaluate_systems(
            IndexSearcher(search),
            judged,
            _names(systems),
            mode=mode.value,
            metrics=_names(metrics) if metrics else DEFAULT_METRICS,
            seed=seed,
        )
    finally:
        await search.close()


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
