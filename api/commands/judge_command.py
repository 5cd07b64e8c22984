"""`aisle judge`: pools what systems find, for people to grade at `/lab/judge`, and hands out what
they made of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.async_work import wait_for
from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from api.judging.making import Made
    from api.judging.results import Results

command = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The task's name.")]


class Format(StrEnum):
    """What is exported."""

    csv = "csv"
    qrels = "qrels"


class Rating(StrEnum):
    """How several raters' grades become one."""

    mean = "mean"
    median = "median"


@command.command()
def start(
    name: Name,
    systems: Annotated[
        str,
        typer.Option(
            help="What to pool, joined by commas: systems of the index, ltr:FILE, run:NAME,"
            " http://host:port; as for aisle eval."
        ),
    ] = "bm25,dense,hybrid",
    data: Data = DEFAULT_DATA,
    queries: Annotated[
        Path | None,
        typer.Option("--queries", help="A query a line, or a table with a column query."),
    ] = None,
    from_judgments: Annotated[
        Path | None,
        typer.Option("--from-judgments", help="Judgments whose queries are to be judged anew."),
    ] = None,
    runs: Annotated[
        list[str] | None,
        typer.Option("--runs", help="NAME=WHERE: one more system, as for aisle eval."),
    ] = None,
    depth: Annotated[
        int, typer.Option(help="How many of each system's first products are pooled.", min=1)
    ] = 10,
    limit: Annotated[
        int | None, typer.Option(help="Only so many queries, the first of the file.", min=1)
    ] = None,
    json: Json = False,
) -> None:
    """Pool each system's first products of every query into a task for raters."""
    from api.commands.console import print_json, stages
    from api.judging.making import Wanted, make_task

    wanted = Wanted(
        data=data,
        name=name,
        systems=[each.strip() for each in systems.split(",") if each.strip()],
        runs=runs or (),
        queries=queries,
        judgments=from_judgments,
        depth=depth,
        limit=limit,
    )
    with stages(quiet=json) as progress:
        made = wait_for(make_task(wanted, progress))
    if json:
        print_json(_made_json(made))
    else:
        _show_made(made)


@command.command()
def status(
    name: Annotated[str | None, typer.Argument(help="The task; all of them unless named.")] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Say how far raters are, how far they agree, and about what they do not."""
    from api.commands.console import out, print_json
    from api.judging.results import results
    from api.judging.tasks import load_task, task_names

    if name is not None:
        found = results(data, load_task(data, name))
        print_json(status_json(found)) if json else _show_status(found)
        return
    every = [results(data, load_task(data, each)) for each in task_names(data)]
    if json:
        print_json({"tasks": [status_json(each) for each in every]})
    elif not every:
        out.print("no task yet; aisle judge start NAME --queries FILE makes one")
    else:
        for each in every:
            _show_heading(each)


@command.command()
def export(
    name: Name,
    out_file: Annotated[Path, typer.Option("--out", help="The file to write.")],
    data: Data = DEFAULT_DATA,
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option("--format", help="CSV with a column a rater, or TREC qrels.")
    ] = Format.csv,
    rating: Annotated[
        Rating, typer.Option(help="How several raters' grades become one.")
    ] = Rating.mean,
    json: Json = False,
) -> None:
    """Write the grades as judgments, and how far raters agree beside them."""
    from api.commands.console import out, print_json
    from api.judging.exporting import export_csv, export_qrels
    from api.judging.results import results
    from api.judging.tasks import load_task

    found = results(data, load_task(data, name))
    write = export_csv if format is Format.csv else export_qrels
    files = write(found, out_file, rating.value)
    if json:
        told = {"files": [str(file) for file in files], "judgments": len(found.products)}
        print_json({**told, "raters": len(found.raters)})
        return
    for file in files:
        out.print(str(file), markup=False, soft_wrap=True)


def status_json(found: Results) -> dict[str, Any]:
    """A task's state for machines."""
    from api.judging.exporting import agreement_json, raters_json
    from api.judging.results import sentence

    return {
        "task": found.task.name,
        "sentence": sentence(found),
        "queries": len(found.task.queries),
        "products": found.task.pairs,
        "graded": len(found.products),
        "systems": list(found.task.systems),
        "depth": found.task.depth,
        "raters": raters_json(found),
        "agreement": agreement_json(found),
        "drawn": found.drawn,
        "pairs": found.pairs.tolist(),
        "disagreed": [
            {"query": each.query, "product": each.product, "title": each.title}
            | {"grades": dict(each.grades)}
            for each in found.most_disagreed()
        ],
    }


def _made_json(made: Made) -> dict[str, Any]:
    return {
        "task": made.task.name,
        "path": str(made.place),
        "queries": len(made.task.queries),
        "products": made.task.pairs,
        "systems": {
            name: {"pooled": all_, "alone": own} for name, (all_, own) in made.brought.items()
        },
        "without_results": list(made.empty),
        "without_title": made.unknown,
    }


def _show_made(made: Made) -> None:
    from api.commands.console import out

    task = made.task
    out.print(
        f"{task.name}: {task.pairs:,} products of {len(task.queries):,} queries to grade,"
        f" the first {task.depth} of each system",
        markup=False,
    )
    for name, (pooled, alone) in made.brought.items():
        out.print(f"  {name} found {pooled:,}, {alone:,} of them alone", markup=False)
    if made.empty:
        out.print(f"  nothing was found for {len(made.empty):,} queries; left out", markup=False)
    if made.unknown:
        out.print(f"  {made.unknown:,} products are not in the index: shown by id", markup=False)
    out.print(f"raters grade at /lab/judge/{task.name} of aisle serve", markup=False)


def _show_heading(found: Results) -> None:
    from api.commands.console import out
    from api.judging.results import sentence

    out.print(f"{found.task.name}: {sentence(found)}", markup=False, soft_wrap=True)
    for each in found.raters:
        state = "done" if each.progress.done else "at work"
        average = "" if each.mean is None else f", mean grade {each.mean:.2f}"
        out.print(
            f"  {each.rater}: {each.progress.graded:,} graded, {each.progress.skipped:,} skipped of"
            f" {each.progress.total:,}, {state}{average}",
            markup=False,
        )


def _show_status(found: Results) -> None:
    from rich.table import Table

    from api.commands.console import out
    from api.judging.tasks import GRADES

    _show_heading(found)
    if found.pairs.any():
        table = Table(title="pairs of raters, by the grades of one product")
        table.add_column("")
        for grade, meaning in enumerate(GRADES):
            table.add_column(f"{grade} {meaning.lower()}", justify="right")
        for grade, row in enumerate(found.pairs.tolist()):
            # Symmetric: the upper half says it all.
            table.add_row(str(grade), *("" if k < grade else f"{n:,}" for k, n in enumerate(row)))
        out.print(table)
    for each in found.most_disagreed(10):
        grades = ", ".join(f"{name} {grade}" for name, grade in each.grades.items())
        out.print(
            f"  “{each.query}”: {each.title or each.product} – {grades}",
            markup=False,
            soft_wrap=True,
        )
