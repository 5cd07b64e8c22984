"""`aisle eval intent`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json
from search.errors import BadInput

if TYPE_CHECKING:
    from eval.intent_quality import IntentLabel, IntentQuality
    from search.settings import Settings

Labels = Annotated[
    Path | None,
    typer.Argument(
        help='CSV: query,intent and if known category ("A > B", several separated by |).'
    ),
]
Judged = Annotated[
    Path | None,
    typer.Option("--judgments", help="Instead: score categories by those of the best-rated."),
]
OnlyPart = Annotated[
    str | None, typer.Option("--part", help="Only lines whose column part says so.")
]


def command(
    file: Labels = None,
    data: Data = DEFAULT_DATA,
    judgments: Judged = None,
    part: OnlyPart = None,
    json: Json = False,
) -> None:
    """Score the kind and the category found for queries, against labels or judgments."""
    from api.commands.console import out, print_json

    if (file is None) == (judgments is None):
        raise BadInput("give either a file of labels or --judgments FILE", field="file")
    quality = asyncio.run(_evaluate(file, judgments, part, data))
    if json:
        print_json(quality)
    else:
        out.print(_text(quality), markup=False)


async def _evaluate(
    file: Path | None, judgments: Path | None, part: str | None, data: Path
) -> IntentQuality:
    from api.settings import load_settings
    from api.understand import open_understander
    from eval.intent_quality import load_intents, score_intents

    settings = load_settings(data)
    if file is not None:
        labels = load_intents(file, part)
    elif judgments is not None:
        labels = _judged(judgments, settings)
    async with open_understander(settings) as understand:
        return score_intents(labels, [understand(label.query)[0] for label in labels])


def _judged(judgments: Path, settings: Settings) -> tuple[IntentLabel, ...]:
    from eval import load_judgments
    from eval.intent_quality import categories_from_judgments

    gains = load_judgments(judgments).gains
    wanted = {product for rated in gains.values() for product in rated}
    categories = _categories(settings, wanted)
    labels = categories_from_judgments(gains, lambda product: categories.get(product, ()))
    if not labels:
        raise BadInput(
            f"no product that {judgments} rates well has a category in the index in "
            f"{settings.data}; is it the judgments' catalogue?"
        )
    return labels


def _categories(settings: Settings, wanted: set[str]) -> Mapping[str, tuple[str, ...]]:
    from indexer.live_index import LiveIndex
    from search.engines.local.layout import read_current

    index = LiveIndex(settings.data, read_current(settings.data))
    index.follow()
    products = map(index.product, index.alive())
    return {product.id: product.category for product in products if product.id in wanted}


def _text(quality: IntentQuality) -> str:
    def shown(name: str, figure: object) -> str:
        mean, low, high = (getattr(figure, each, None) for each in ("mean", "low", "high"))
        return f"{name}: none" if mean is None else f"{name}: {mean:.3f} [{low:.3f}, {high:.3f}]"

    lines = [
        f"{quality.queries} queries, {quality.category_queries} of them with a category",
        shown("kind right", quality.accuracy),
        shown("category given (coverage)", quality.coverage),
        shown("category right where given", quality.category),
        shown("category exactly as labelled", quality.exact),
        f"calibration error: category {_number(quality.calibration_error)} ({quality.bins} bins), "
        f"kind {_number(quality.intent_calibration)}",
    ]
    lines += [f"  {query}: {wanted}, found {found}" for query, wanted, found in quality.wrong]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
