"""`aisle models compare`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from eval import Report
    from search.settings import Settings

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
    """Set two models side by side: what they were made from, and their scores on judgments."""
    from rich.table import Table

    from api.commands.console import out, print_json
    from api.registry import candidate, registry_of
    from api.settings import load_settings
    from eval import format_report, report_json

    settings = load_settings(data)
    registry = registry_of(settings)
    found = [candidate(registry, each) for each in (one, other)]
    about = [_about(registry.model(entry.version), entry.lineage) for entry, _ in found]
    report = asyncio.run(_scored(settings, [p for _, p in found], judgments)) if judgments else None
    if json:
        sides = [{"version": e.version, **a} for (e, _), a in zip(found, about, strict=True)]
        print_json({"models": sides, "scores": report_json(report) if report else None})
        return
    table = Table("", *(f"{entry.name} {entry.version}" for entry, _ in found))
    for name in dict.fromkeys([*about[0], *about[1]]):
        values = [str(each.get(name, "–")) for each in about]
        table.add_row(name, *values, style="bold" if values[0] != values[1] else None)
    out.print(table)
    if report is not None:
        out.print(format_report(report))


def _about(model: Any, lineage: Any) -> dict[str, object]:
    plain = {
        name: value for name, value in lineage.items() if not isinstance(value, dict | list | tuple)
    }
    return {
        "kind": model.kind,
        "features": len(model.features),
        "feature version": model.feature_version,
        "trees": model.trees.count("\nTree="),
        "candidates": model.depth,
        **plain,
    }


async def _scored(settings: Settings, paths: list[Path], judgments: Path) -> Report:
    from api.evaluation import IndexSearcher
    from eval import evaluate_systems, load_judgments
    from search.build import HYBRID, LTR, open_search

    search = await open_search(settings)
    try:
        systems = [f"{LTR}{path}" for path in paths]
        for system in systems:
            search = await search.with_model(system)
        judged = load_judgments(judgments)
        return await evaluate_systems(IndexSearcher(search), judged, [*systems, HYBRID])
    finally:
        await search.close()
