"""`aisle search`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json
from search.types import Hit, ModelUsed, SearchRequest, SearchResponse

_REASONS = 5
"""Features that a hit's explanation names."""
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        help="A condition: brand=Acme, price=10..50, in_stock=true, attributes.material=steel. "
        "Repeat it to add another.",
    ),
]


def command(
    query: Annotated[str, typer.Argument(help='What to look for; "" lists everything.')],
    data: Data = DEFAULT_DATA,
    size: Annotated[int, typer.Option(help="Hits to show.", min=0)] = 20,
    filters: Filters = None,
    sort: Annotated[str, typer.Option(help="The order of the hits.")] = "relevance",
    system: Annotated[
        str | None,
        typer.Option(
            help="What answers: ranked, hybrid, bm25, dense, or ltr:FILE for a ranking model."
        ),
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="Continues an earlier answer.")] = None,
    facets: Annotated[str, typer.Option(help="Fields to count, or default.")] = "",
    group: Annotated[bool, typer.Option("--group", help="One product of each group.")] = False,
    highlight: Annotated[bool, typer.Option("--highlight", help="Mark matching words.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Scores by stage.")] = False,
    diversity: Annotated[
        float | None,
        typer.Option(help="Variety among the hits, 0 to 1.", min=0, max=1),
    ] = None,
    verbatim: Annotated[bool, typer.Option("--verbatim", help="Correct no spelling.")] = False,
    ignored: Annotated[
        list[str] | None,
        typer.Option("--ignore", help="Make nothing of this: price, brand:Acme. Repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Search an index and show the hits."""
    given = {
        "q": query,
        "size": str(size),
        "sort": sort,
        "cursor": cursor,
        "facets": facets or None,
        "group": str(group).lower(),
        "highlight": str(highlight).lower(),
        "explain": str(explain).lower(),
        "diversity": None if diversity is None else str(diversity),
        "verbatim": str(verbatim).lower(),
    }
    pairs = [(name, value) for name, value in given.items() if value is not None]
    pairs += pairs_of(filters or [])
    pairs += [("ignored", key) for key in ignored or []]
    show(asyncio.run(_ask(data, pairs, system)), explain=explain, json=json)


def pairs_of(filters: list[str]) -> list[tuple[str, str]]:
    """The conditions as parameters of the HTTP interface.

    Raises:
        BadInput: one is not NAME=VALUE.
    """
    return [_condition(text) for text in filters]


def _condition(text: str) -> tuple[str, str]:
    from search.errors import BadInput

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadInput(f"--filter {text!r} is not NAME=VALUE, such as brand=Acme", field="filter")
    return f"filter.{name.strip()}", value


async def _ask(data: Path, pairs: list[tuple[str, str]], system: str | None) -> SearchResponse:
    """Parses as the HTTP interface does, so that both mean the same; only the page may be as long
    as the whole depth, for there is nobody else to keep waiting."""
    from api.requests import parse_query
    from api.settings import load_settings
    from search.build import open_search

    settings = load_settings(data)
    limits = settings.limits.model_copy(update={"page_size": settings.limits.page_depth})
    asked: SearchRequest = replace(parse_query(pairs, limits), system=system)
    search = await open_search(settings)
    try:
        search = await search.with_model(system or "")
        return await search.search(asked)
    finally:
        await search.close()


def show(response: SearchResponse, *, explain: bool, json: bool) -> None:
    """Prints an answer: as the HTTP body, or as a table."""
    from api.commands.console import print_json
    from api.responses import search_body

    if json:
        print_json(search_body(response))
    else:
        _table(response, explain=explain)


def _table(response: SearchResponse, *, explain: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from api.commands.console import out

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("#", "id", "title", "brand", "price", "rating", "score"):
        table.add_column(name, justify="right" if name in ("#", "price", "rating") else "left")
    if explain:
        table.add_column("why")
    for hit in response.hits:
        product = hit.product
        price = "" if product.price is None else f"{product.price:.2f} {product.currency or ''}"
        rating = "" if product.rating is None else f"{product.rating:.1f}"
        title = f"{product.title} (sponsored)" if hit.sponsored else product.title
        cells = [str(hit.position), product.id, title, product.brand or "", price, rating]
        cells.append(f"{hit.score:.3f}")
        if explain:
            cells.append(_why(hit, response.model))
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)
    _footer(response)


def _why(hit: Hit, model: ModelUsed | None) -> str:
    """The place in each stage, and the features that count most for or against."""
    from api.reasons import phrase, reasons_of

    stages = ", ".join(f"{each.stage} {each.rank or '–'}" for each in hit.why)
    reasons = reasons_of(hit, model)
    stages += "".join(f", {move.kind} by {move.rule}" for move in hit.moves)
    if reasons is None:
        return stages
    telling = [each for each in reasons.features if each.contribution and not each.shared]
    most = [f"{each.contribution:+.3f} {phrase(each.feature)}" for each in telling[:_REASONS]]
    if any(each.shared for each in reasons.features):
        most.append(f"{reasons.query:+.3f} the query itself")
    return "\n".join([stages, *most])


def _footer(response: SearchResponse) -> None:
    from api.commands.console import out

    spelling = response.query.spelling
    if spelling.outcome == "corrected":
        out.print(f"showing results for: {spelling.text} (--verbatim searches as typed)")
    elif spelling.outcome == "suggested":
        out.print(f"did you mean: {spelling.text}")
    if response.redirect:
        out.print(f"shoppers are sent to: {response.redirect}", markup=False)
    about = "" if response.total_exact else "at least "
    total = response.timings.get("total", 0.0)
    out.print(f"{about}{response.total} products, {total:.1f} ms, index {response.version}")
    if response.relaxation != "none":
        out.print(f"nothing matched every word; relaxed: {response.relaxation.replace('_', ' ')}")
    if response.model is not None:
        out.print(f"ranked by {response.model.name} {response.model.version}", markup=False)
    for fallback in response.fallbacks:
        out.print(f"note: {fallback}", markup=False)
    for facet in response.facets:
        values = ", ".join(f"{value.value} ({value.count})" for value in facet.values[:8])
        span = f"{facet.low:g} to {facet.high:g}" if facet.low is not None and facet.high else ""
        out.print(f"{facet.name}: {values or span}", markup=False)
    if response.cursor:
        out.print(f"more: --cursor {response.cursor}", markup=False)
