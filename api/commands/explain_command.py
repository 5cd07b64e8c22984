"""`aisle explain`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json
from api.commands.search_command import Filters, pairs_of

if TYPE_CHECKING:
    from search.explaining import Places


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
    from api.explaining import explanation_body

    ids = [product] if above is None else [product, above]
    places = asyncio.run(_places(data, query, ids, filters or [], system))
    body = explanation_body(places)
    if json:
        print_json(body)
        return
    for sentence in body.sentences:
        out.print(sentence, markup=False)


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
