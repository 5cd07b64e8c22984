"""`aisle eval`: systems against judgments, and the parts of query understanding against labels."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
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


PARTS = {
    "spelling": "Score spelling correction against query,expected pairs",
    "entities": "Score recognized brands, colors, prices, measures and refusals against labels",
    "intent": "Score intents and categories against labels or judgments",
    "suggest": "Score suggestions against prefix,expected pairs",
}
"""The parts that have labels of their own; `eval_<name>_command.py` holds each."""

command = typer.Typer(
    invoke_without_command=True,
    context_settings={"ignore_unknown_options": False},
)

Judged = Annotated[
    Path | None,
    typer.Option("--judgments", help="CSV, TSV or TREC qrels; columns are found by name."),
]
Systems = Annotated[
    str, typer.Option(help="Names joined by commas; random is the floor, ltr:FILE a ranking model.")
]


@command.callback()
def score(
    context: typer.Context,
    judgments: Judged = None,
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
    """Score systems against human judgments, with intervals and paired comparisons; or, with a
    command, one part of query understanding against its labels."""
    if context.invoked_subcommand is not None:
        return
    from api.commands.console import out, print_json
    from eval import format_report, report_json
    from search.errors import BadInput

    if judgments is None:
        raise BadInput("name a file of judgments: --judgments FILE", field="judgments")

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
    from eval import (
        DEFAULT_METRICS,
        collect_runs,
        evaluate,
        load_judgments,
        pairwise_report,
        verify,
    )
    from search.build import open_search

    judged = load_judgments(judgments)
    # Rankings are judged, not what the shop wants whatever they think.
    search = await open_search(load_settings(data, rules={"enabled": False}))
    try:
        for name in _names(systems):
            search = await search.with_model(name)
        runs, notes = await collect_runs(
            IndexSearcher(search), judged, _names(systems), mode=mode.value, seed=seed
        )
    finally:
        await search.close()
    asked = _names(metrics) if metrics else DEFAULT_METRICS
    report = evaluate(judged, runs, metrics=asked, seed=seed, notes=notes)
    if mode is EvaluationMode.rerank:
        report = replace(report, pairwise=pairwise_report(judged, runs))
    if check:
        for metric, gap in verify(report, judged, runs).items():
            say(f"{metric}: within {gap:.1g} of ranx's value for every query")
    return report


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


for _name, _help in PARTS.items():
    _module = f"api.commands.eval_{_name}_command"
    if find_spec(_module):
        command.command(_name, help=_help)(import_module(_module).command)
