"""`aisle eval`: systems against judgments, and the parts of query understanding against labels."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.async_work import wait_for
from api.commands.options import DEFAULT_DATA, Data, Json, Picture

if TYPE_CHECKING:
    from api.evaluating.comparing import Asked
    from api.evaluating.outcome import Outcome
    from eval import Report


class EvaluationMode(StrEnum):
    """What the systems rank."""

    full = "full"
    rerank = "rerank"


PARTS = {
    "diff": "Compare two runs that were kept",
    "runs": "List the runs that were kept",
    "spelling": "Score spelling correction against query,expected pairs",
    "entities": "Score recognized brands, colors, prices, measures and refusals against labels",
    "intent": "Score intents and categories against labels or judgments",
    "suggest": "Score suggestions against prefix,expected pairs",
}
"""Commands beside the comparison of systems; `eval_<name>_command.py` holds each."""

command = typer.Typer(
    invoke_without_command=True,
    context_settings={"ignore_unknown_options": False},
)

Judged = Annotated[
    Path | None,
    typer.Option(
        "--judgments",
        help="CSV, TSV, TREC qrels, or an export of Quepid or OpenSearch; columns are found by"
        " name.",
    ),
]
Systems = Annotated[
    str | None,
    typer.Option(
        help="Names joined by commas: of the index, ltr:FILE for a ranking model, run:NAME for a"
        " kept run or a run's file, http://host:port for a server; random is the floor."
        " bm25,dense,hybrid,random unless given.",
        show_default=False,
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(help="Names joined by commas, such as ndcg@10,mrr@10 or ir_measures' P(rel=2)@5."),
]
FailIf = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        help="Exit with 1 if this holds for candidate − baseline: 'ndcg@10 < -0.01',"
        " 'ndcg@10.low < -0.02', 'ndcg@10\\[kind=brand] < -0.05'; may be repeated.",
    ),
]


@command.callback()
def score(
    context: typer.Context,
    judgments: Judged = None,
    data: Data = DEFAULT_DATA,
    systems: Systems = None,
    runs: Annotated[
        list[str] | None,
        typer.Option(
            "--runs",
            help="NAME=WHERE: one more system, a run's file, a kept run or an address with {query};"
            " may be repeated.",
        ),
    ] = None,
    mode: Annotated[
        EvaluationMode, typer.Option(help="Search everything, or order the judged products only.")
    ] = EvaluationMode.full,
    metrics: Metrics = None,
    seed: Annotated[int, typer.Option(help="Seed of the random floor and the tests.")] = 0,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            help="The texts of queries that judgments or runs name by id, or a table of queries and"
            " their kinds.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", help="How often queries are searched: query,count, or query alone."),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", help="Keep the runs: a name, for DATA/runs/NAME, or a directory."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="A kept run to compare one system with.")
    ] = None,
    fail_if: FailIf = None,
    picture: Picture = None,
    check: Annotated[
        bool, typer.Option("--verify", help="Compute the metrics with ranx as well and compare.")
    ] = False,
    json: Json = False,
) -> None:
    """Score systems against human judgments, with intervals and paired comparisons; or, with a
    command, one part of query understanding against its labels."""
    if context.invoked_subcommand is not None:
        return
    from api.commands.console import stages
    from api.evaluating.comparing import Asked, compare_systems
    from api.settings import require_data
    from eval import DEFAULT_METRICS, split_names
    from search.errors import BadInput

    if judgments is None:
        raise BadInput("name a file of judgments: --judgments FILE", field="judgments")
    if systems is None:
        systems = "" if runs else "bm25,dense,hybrid,random"
    if save is not None and data in _directory(save, data).parents:
        require_data(data)
    asked = Asked(
        data=data,
        judgments=judgments,
        systems=[name.strip() for name in systems.split(",") if name.strip()],
        runs=runs or (),
        mode=mode.value,
        metrics=split_names(metrics) if metrics else DEFAULT_METRICS,
        seed=seed,
        queries=queries,
        log=log,
        baseline=baseline,
        fail_if=fail_if or (),
    )
    with stages(quiet=json) as progress:
        outcome = wait_for(compare_systems(asked, progress))
    if check:
        _verify(outcome)
    if save is not None:
        _keep(outcome, asked, save)
    show(outcome.report, picture, json=json)


def show(report: Report, picture: Path | None, *, json: bool) -> None:
    """Prints a report, draws it, and leaves with 1 if its gate does not let the candidate pass."""
    from api.commands.console import out, print_json, say
    from eval import draw_report, format_report, report_json

    if picture is not None:
        picture.write_text(draw_report(report), encoding="utf-8")
        say(f"drawn: {picture}")
    if json:
        print_json(report_json(report))
    else:
        out.print(format_report(report))
    if report.gate is not None and not report.gate.passed:
        from eval.gate import gate_sentence

        say(gate_sentence(report.gate))
        raise typer.Exit(1)


def _verify(outcome: Outcome) -> None:
    from api.commands.console import say
    from eval import verify

    for metric, gap in verify(outcome.report, outcome.judgments, outcome.own).items():
        say(f"{metric}: within {gap:.1g} of ranx's value for every query")


def _directory(save: str, data: Path) -> Path:
    """Where runs are kept: a directory, or a name among the data's runs."""
    from api.evaluating.sources import RUNS

    place = Path(save)
    return place if len(place.parts) > 1 or place.is_dir() else data / RUNS / save


def _keep(outcome: Outcome, asked: Asked, save: str) -> None:
    from api.commands.console import say
    from api.evaluating.comparing import BASELINE
    from api.evaluating.recording import input_checksums, keep

    directory = _directory(save, asked.data)
    kinds = outcome.judgments.kinds
    files = keep(
        directory,
        outcome.report,
        outcome.judgments,
        outcome.own,
        name=directory.name,
        mode=asked.mode,
        inputs=input_checksums(outcome.judgments, outcome.settings, outcome.observed),
        observed=outcome.observed,
        labels={**({"kind": kinds} if kinds else {}), **outcome.labels},
        stages=outcome.stages,
        titles=outcome.titles,
    )
    for file in files:
        say(f"kept: {file}")
    before = ", ".join(name for name in outcome.stored if not name.startswith(BASELINE))
    if before:
        what = "not kept again" if files else f"nothing is kept as {save}"
        say(f"{what}: {before} stays where it is, as a kept run")


for _name, _help in PARTS.items():
    _module = f"api.commands.eval_{_name}_command"
    if find_spec(_module):
        command.command(_name, help=_help)(import_module(_module).command)
