"""`aisle models compare`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.async_work import wait_for
from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from rich.table import Table

    from api.evaluation import IndexSearcher
    from eval import Report, Run
    from search.settings import Settings
    from training.registry import Entry

Named = Annotated[str, typer.Argument(help="A version (aisle models list) or a model file.")]


def command(
    one: Named,
    other: Named,
    judgments: Annotated[
        Path | None, typer.Option("--judgments", help="Score both on these as well.")
    ] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Set two models side by side: what they were made from, what they go by, and how well each
    ranks on judgments."""
    from api.commands.console import out, print_json
    from api.commands.models_about import about_model, side
    from api.registry import candidate, registry_of
    from api.settings import load_settings
    from eval import format_report, report_json
    from training.registry import order_of

    settings = load_settings(data)
    registry = registry_of(settings)
    entries, paths = zip(*(candidate(registry, each) for each in (one, other)), strict=True)
    models = [registry.model(entry.version) for entry in entries]
    same = order_of(models[0]) == order_of(models[1])
    files = {_named(entry): path for entry, path in zip(entries, paths, strict=True)}
    report = wait_for(_scored(settings, files, judgments)) if judgments else None
    if json:
        sides = [
            {**about_model(m, e.version), "lineage": e.lineage}
            for m, e in zip(models, entries, strict=True)
        ]
        scores = report_json(report) if report else None
        print_json({"models": sides, "same_order": same, "scores": scores})
        return
    serving = registry.serving()
    out.print(
        _table(
            [_named(entry) for entry in entries],
            side(models[0], entries[0], models[1], serving),
            side(models[1], entries[1], models[0], serving),
        )
    )
    if same:
        out.print("They rank the same; only what is noted of them may differ.")
    elif report is None:
        out.print("Give --judgments to see how well each ranks, and which queries moved most.")
    if report is not None:
        out.print(format_report(report))


def _named(entry: Entry) -> str:
    return f"{entry.name} {entry.version}"


def _table(names: list[str], one: Mapping[str, str], other: Mapping[str, str]) -> Table:
    """Line by line; bold where they differ."""
    from rich.table import Column, Table
    from rich.text import Text

    table = Table("", *(Column(name, overflow="fold") for name in names))
    for name, value in one.items():
        style = "bold" if value != other[name] else ""
        table.add_row(name, Text(value, style), Text(other[name], style))
    return table


@dataclass(frozen=True, slots=True)
class _Titled:
    """Answers for models by their names, so that a report speaks of these."""

    searcher: IndexSearcher
    systems: Mapping[str, str]

    async def run(
        self,
        system: str,
        queries: Sequence[str],
        depth: int,
        candidates: Mapping[str, Sequence[str]] | None,
    ) -> Run:
        """See `IndexSearcher`."""
        return await self.searcher.run(self.systems[system], queries, depth, candidates)


async def _scored(settings: Settings, files: Mapping[str, Path], judgments: Path) -> Report:
    """Both models on judgments."""
    from api.evaluation import IndexSearcher
    from eval import evaluate_systems, load_judgments
    from search.build import LTR, open_search

    search = await open_search(settings)
    try:
        systems = {name: f"{LTR}{path}" for name, path in files.items()}
        for system in systems.values():
            search = await search.with_model(system)
        judged = load_judgments(judgments)
        return await evaluate_systems(_Titled(IndexSearcher(search), systems), judged, [*systems])
    finally:
        await search.close()
