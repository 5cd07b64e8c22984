"""`aisle suggest`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from query.suggest import Suggestion

Recent = Annotated[
    list[str] | None,
    typer.Option(help="A query before, or a category visited; repeat it to add another."),
]


def command(
    text: Annotated[str, typer.Argument(help='What was typed so far; "" for what is asked most.')],
    data: Data = DEFAULT_DATA,
    size: Annotated[int, typer.Option(help="Suggestions to show.", min=0, max=50)] = 10,
    recent: Recent = None,
    json: Json = False,
) -> None:
    """Show what is suggested while a query is typed."""
    from api.commands.console import out, print_json
    from api.suggest import suggestion_body

    found = asyncio.run(_suggest(text, data, size, tuple(recent or ())))
    if json:
        print_json({"query": text, "suggestions": tuple(map(suggestion_body, found))})
        return
    for each in found:
        scope = f" in {' > '.join(each.category)}" if each.category else ""
        out.print(f"{each.text}{scope} ({each.kind}, {each.products} products)", markup=False)


async def _suggest(
    text: str, data: Path, size: int, recent: tuple[str, ...]
) -> tuple[Suggestion, ...]:
    from api.settings import load_settings
    from api.suggesters import Suggesters
    from search.build import open_search
    from search.errors import NotFound

    search = await open_search(load_settings(data))
    try:
        suggester = await Suggesters().of(await search.engine.view())
    finally:
        await search.close()
    if suggester is None:
        raise NotFound(f"the index in {data} holds no suggestions; index the catalogue again")
    return suggester.complete(text, size, recent)
