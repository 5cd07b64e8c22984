"""`aisle eval entities`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from eval.entities_quality import EntitiesQuality, TypeQuality

Labels = Annotated[
    Path,
    typer.Argument(
        help='JSON lines: {"query": "red mug", "brand": [], "color": ["red"],'
        ' "product_type": ["mug"]}, and if judged price, measures, negated, other attributes.'
    ),
]
OnlyPart = Annotated[str | None, typer.Option("--part", help="Only lines whose key part says so.")]


def command(
    file: Labels, data: Data = DEFAULT_DATA, part: OnlyPart = None, json: Json = False
) -> None:
    """Score the brands, colors, kinds, prices, measures and refusals found in queries."""
    from api.commands.console import out, print_json

    quality = asyncio.run(_evaluate(file, part, data))
    if json:
        print_json(quality.to_json())
    else:
        out.print(_text(quality), markup=False)


async def _evaluate(file: Path, part: str | None, data: Path) -> EntitiesQuality:
    from api.settings import load_settings
    from api.understand import open_understander
    from eval.entities_quality import evaluate_entities, load_entity_labels

    labels = load_entity_labels(file, part)
    async with open_understander(load_settings(data)) as understand:
        return evaluate_entities(labels, lambda query: understand(query.text)[0])


def _text(quality: EntitiesQuality) -> str:
    error = quality.calibration_error
    lines = [
        f"{quality.queries} queries",
        _line("all", quality.overall),
        *(_line(kind, each) for kind, each in quality.by_type.items()),
        f"calibration error: {'none' if error is None else f'{error:.3f}'}",
        *(f"  {mistake}" for mistake in quality.mistakes),
    ]
    return "\n".join(lines)


def _line(name: str, quality: TypeQuality) -> str:
    f1 = quality.f1
    return (
        f"{name}: F1 {f1.value:.3f} [{f1.low:.3f}, {f1.high:.3f}], precision"
        f" {quality.precision.value:.3f}, recall {quality.recall.value:.3f}"
        f" ({quality.named} named, {quality.recognized} recognized, {quality.right} right)"
    )
