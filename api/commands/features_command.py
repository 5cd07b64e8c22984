"""`aisle features`."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from rankers.features import Feature
    from search.types import FeatureTable, Product

_DEPTH = 200
"""Candidates that are computed together, as for a model; the best of them are shown."""
_DIRECTIONS = {1: "higher is better", 0: "either way", -1: "lower is better"}


def command(
    query: Annotated[
        str | None, typer.Argument(help="Shows the values for this query's best candidates.")
    ] = None,
    data: Data = DEFAULT_DATA,
    top: Annotated[int, typer.Option(help="Candidates to show.", min=1, max=_DEPTH)] = 5,
    json: Json = False,
) -> None:
    """List the features that ranking models know, or their values for a query."""
    from search.errors import BadInput

    if query is None:
        _list(json)
    elif not query.strip():
        raise BadInput(
            "the query is empty; type what a shopper would, or leave it out to list the features",
            field="query",
        )
    else:
        asyncio.run(_values(query, data, top, json))


def _list(json: bool) -> None:
    from api.commands.console import print_json
    from rankers.features import GROUPS, VERSION

    if json:
        rows = [_row(group.name, each) for group in GROUPS for each in group.features]
        print_json({"version": VERSION, "features": rows})
    else:
        _show_list()


def _row(group: str, feature: Feature) -> dict[str, Any]:
    return {
        "group": group,
        "name": feature.name,
        "type": feature.type,
        "unit": feature.unit,
        "source": feature.source,
        "direction": feature.direction,
        "missing": None if math.isnan(feature.missing) else feature.missing,
        "sentence": feature.sentence,
    }


def _show_list() -> None:
    from rich.table import Table

    from api.commands.console import out
    from rankers.features import GROUPS, NAMES, VERSION

    table = Table(box=None, pad_edge=False)
    for header in ("feature", "type", "unit", "source", "direction", "missing", "what it says"):
        table.add_column(header, no_wrap=header == "feature")
    for group in GROUPS:
        table.add_row(f"[bold]{group.name}[/bold]")
        for each in group.features:
            missing = "unknown" if math.isnan(each.missing) else f"{each.missing:g}"
            direction = _DIRECTIONS[each.direction]
            table.add_row(
                each.name, each.type, each.unit, each.source, direction, missing, each.sentence
            )
    out.print(table)
    out.print(f"{len(NAMES)} features, version {VERSION}")


async def _values(query: str, data: Path, top: int, json: bool) -> None:
    from api.commands.console import print_json
    from api.features import candidate_pool
    from api.settings import load_settings
    from rankers.features import VERSION, compute
    from search.build import open_search

    search = await open_search(load_settings(data))
    try:
        view = await search.engine.view()
        pool = await candidate_pool(search, view, query, _DEPTH)
        table = await view.compute(lambda facts: compute(facts, pool))
        products = await view.products(table.ordinals[:top])
    finally:
        await search.close()
    if json:
        found = [_values_of(product, row, table) for row, product in enumerate(products)]
        print_json({"query": query, "version": VERSION, "candidates": found})
    else:
        _show_values(table, products)


def _values_of(product: Product, row: int, table: FeatureTable) -> dict[str, Any]:
    values = zip(table.names, table.values[row].tolist(), strict=True)
    known = {name: None if math.isnan(value) else value for name, value in values}
    return {"id": product.id, "title": product.title, "features": known}


def _show_values(table: FeatureTable, products: list[Product]) -> None:
    """A column a product; features that none of them has are counted, not shown."""
    from rich.table import Table
    from rich.text import Text

    from api.commands.console import out

    if not products:
        out.print("Nothing was found: there is nothing to compute features of.")
        return
    shown = Table(box=None, pad_edge=False)
    shown.add_column("feature", no_wrap=True)
    for rank, product in enumerate(products, 1):
        shown.add_column(Text(f"{rank}. {product.title[:30]}"), justify="right")
    unknown = 0
    for column, name in enumerate(table.names):
        values = table.values[: len(products), column].tolist()
        if all(map(math.isnan, values)):
            unknown += 1
        else:
            shown.add_row(name, *("" if math.isnan(v) else f"{v:.4g}" for v in values))
    out.print(shown)
    out.print(f"{unknown} more features are unknown for all of them.")
