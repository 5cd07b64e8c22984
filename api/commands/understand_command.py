"""`aisle understand`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json
from search.types import Query

if TYPE_CHECKING:
    from pathlib import Path

STANDARD_INPUT = "-"


def command(
    query: Annotated[
        str, typer.Argument(help="What a shopper typed; - reads one query a line from stdin.")
    ],
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Show what is made of a query before searching: spelling, entities, price, categories."""
    asyncio.run(_understand(query, data, json))


async def _understand(query: str, data: Path, json: bool) -> None:
    from api.commands.console import print_json
    from api.settings import load_settings
    from api.understand import open_understander
    from api.understanding import understanding_line

    async with open_understander(load_settings(data)) as understand:
        understand("warm up")  # the first query also loads what all queries share
        for text in _texts(query):
            understood, milliseconds = understand(text)
            if json:
                print_json(understanding_line(understood, milliseconds))
            else:
                _show(understood, milliseconds)


def _texts(query: str) -> Iterator[str]:
    if query != STANDARD_INPUT:
        yield query
        return
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def _show(query: Query, milliseconds: float) -> None:
    from rich.table import Table
    from rich.text import Text

    from api.commands.console import out

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in _facts(query):
        table.add_row(name, Text(value))
    out.print(table)
    out.print(f"{milliseconds:.1f} ms without the encoder")


def _facts(query: Query) -> Iterator[tuple[str, str]]:
    """What is worth telling of a query, as name and text."""
    yield "query", query.text
    if query.spelling.outcome != "unchanged":
        share = f"{query.spelling.confidence:.0%}"
        yield "spelling", f"{query.spelling.outcome}: {query.spelling.text} ({share} sure)"
    for entity in query.entities:
        field = "" if entity.filter is None else f", {entity.filter.name}"
        yield (
            entity.type,
            f"{entity.value} ({entity.probability:.0%} sure, {entity.use}{field})",
        )
    yield from _conditions(query)
    for category in query.categories:
        yield "category", f"{' > '.join(category.path)} ({category.probability:.0%} sure)"
    if query.intent:
        yield "intent", f"{query.intent} ({query.intent_probability:.0%} sure)"
    for each in query.alternatives:
        yield "also", f"{' '.join(each.words)} → {' '.join(each.instead)} (at {each.weight:g})"
    for link in query.links:
        yield "link", f"{link.title}: {link.url}"
    yield "searched", " ".join(query.terms) or "everything"


def _conditions(query: Query) -> Iterator[tuple[str, str]]:
    if query.price is not None:
        low, high = query.price.low, query.price.high
        bounds = [f"from {low:g}" if low is not None else "", f"to {high:g}" if high else ""]
        yield "price", " ".join(filter(None, bounds)) or f"rather {query.price.preference}"
    for measure in query.measures:
        yield measure.dimension, f"{measure.value:g} {measure.unit}"
    for negation in query.negations:
        yield "without", negation.text
