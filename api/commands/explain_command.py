"""`aisle explain`."""

from __future__ import annotations

import asyncio
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json
from api.commands.search_command import Filters, pairs_of

if TYPE_CHECKING:
    from api.explained_text import Line
    from search.explaining import Places

_NARROWEST = 40
"""Columns that lines have at least."""


def command(
    query: Annotated[str, typer.Argument(help="What a shopper typed.")],
    product: Annotated[str, typer.Argument(metavar="ID", help="The product to explain.")],
    above: Annotated[
        str | None, typer.Option(metavar="ID", help="Say why it is not above this product.")
    ] = None,
    data: Data = DEFAULT_DATA,
    filters: Filters = None,
    system: Annotated[str | None, typer.Option(help="What answers; as for aisle search.")] = None,
    json: Json = False,
) -> None:
    """Say why a product is where it is for a query: who found it, what the model saw in it."""
    from api.commands.console import out, print_json
    from api.explaining import explanation_body, explanation_lines

    ids = [product] if above is None else [product, above]
    places = asyncio.run(_places(data, query, ids, filters or [], system))
    if json:
        print_json(explanation_body(places))
        return
    for line in explanation_lines(places):
        out.print(_wrapped(line, out.width), markup=False, highlight=False, soft_wrap=True)


def _wrapped(line: Line, width: int) -> str:
    """A line for a terminal of some columns; what it goes on with is indented further."""
    return textwrap.fill(
        line.text,
        max(width, _NARROWEST),
        initial_indent=" " * line.indent,
        subsequent_indent=" " * (line.indent + 2) if line.indent else "",
        break_long_words=False,
        break_on_hyphens=False,
    )


async def _places(
    data: Path, query: str, ids: list[str], filters: list[str], system: str | None
) -> Places:
    from api.requests import parse_query
    from api.settings import load_settings
    from search.build import open_search
    from search.explaining import explain_places

    settings = load_settings(data)
    asked = parse_query([("q", query), *pairs_of(filters)], settings.limits)
    request = replace(asked, system=system)
    search = await open_search(settings)
    try:
        search = await search.with_model(system or "")
        return await explain_places(search.system(request), request, ids)
    finally:
        await search.close()
