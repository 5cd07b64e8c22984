"""`aisle search`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json
from search.types import Hit, ModelUsed, Move, SearchRequest, SearchResponse

_REASONS, _LEAST = 5, 0.0005
"""Features that a hit's explanation names at most, and what one must add to be named."""
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
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of each hit why it is where it is.")
    ] = False,
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
    """Prints an answer: as the HTTP body, as a table, or hit by hit with why."""
    from api.commands.console import print_json
    from api.responses import search_body

    if json:
        print_json(search_body(response))
        return
    if explain:
        _explanations(response)
    else:
        _table(response)
    _footer(response)


def _table(response: SearchResponse) -> None:
    from rich.table import Table
    from rich.text import Text

    from api.commands.console import out

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("#", "id", "title", "brand", "price", "rating", "score"):
        table.add_column(name, justify="right" if name in ("#", "price", "rating") else "left")
    for hit in response.hits:
        product = hit.product
        cells = [str(hit.position), product.id, _title(hit), product.brand or "", _price(hit)]
        cells += [_rating(hit), f"{hit.score:.3f}"]
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)


def _title(hit: Hit) -> str:
    return f"{hit.product.title} (sponsored)" if hit.sponsored else hit.product.title


def _price(hit: Hit) -> str:
    product = hit.product
    return "" if product.price is None else f"{product.price:.2f} {product.currency or ''}".strip()


def _rating(hit: Hit) -> str:
    return "" if hit.product.rating is None else f"{hit.product.rating:.1f}"


def _explanations(response: SearchResponse) -> None:
    """Each hit, and below it a line for each part of its explanation."""
    from rich.padding import Padding
    from rich.text import Text

    from api.commands.console import out

    for hit in response.hits:
        out.print(Text(f"{hit.position}. {_title(hit)}", "bold"), soft_wrap=not out.is_terminal)
        for indent, part in ((3, _about(hit)), *_why(hit, response.model)):
            if out.is_terminal:
                out.print(Padding(Text(part), (0, 0, 0, indent)))
            else:
                out.print(" " * indent + part, markup=False, soft_wrap=True)
        out.print()


def _about(hit: Hit) -> str:
    rating = _rating(hit) and f"rated {_rating(hit)}"
    told = (hit.product.id, hit.product.brand, _price(hit), rating, f"score {hit.score:.3f}")
    return ", ".join(each for each in told if each)


def _why(hit: Hit, model: ModelUsed | None) -> Iterator[tuple[int, str]]:
    """Lines and how far they are indented: the place in each stage, what moved the hit, and the
    features that count most for or against it."""
    from api.reasons import reasons_of

    places = ", ".join(f"{each.stage.replace('_', ' ')} {each.rank or '–'}" for each in hit.why)
    if places:
        yield 3, f"places: {places}"
    for move in hit.moves:
        yield 3, f"moved: {_moved(move)}"
    reasons = reasons_of(hit, model)
    if reasons is None:
        if model is not None:
            yield 3, "model: did not look at it"
        return
    yield 3, f"model: {reasons.score:.3f}, most of it by"
    own = [each for each in reasons.features if not each.shared]
    telling = [each for each in own if abs(each.contribution or 0.0) >= _LEAST]
    for each in telling[:_REASONS]:
        yield 5, f"{each.contribution:+.3f}  {each.label}: {each.text}"
    if any(each.shared for each in reasons.features):
        yield 5, f"{_signed(reasons.query)}  the query itself"


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) >= _LEAST else "±0.000"


_MOVES = {"pin": "pinned", "boost": "raised", "bury": "lowered", "sponsored": "sponsored"}


def _moved(move: Move) -> str:
    if move.kind == "stock":
        how = "sold out ([ranking] out_of_stock)"
    elif move.kind == "chance":
        how = "by chance ([exploration])"
    else:
        how = f"{_MOVES[move.kind]} by the rule {move.rule}"
    return how if move.before is None else f"{how}, number {move.before} without it"


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
        # On one line, however long, so that it can be copied.
        out.print(f"more: --cursor {response.cursor}", markup=False, soft_wrap=True)
