"""`aisle features`."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from rankers.features import Feature
    from search.types import FeatureTable, Product

_DEPTH = 200
"""Candidates that are computed together, as for a model; the best of them are shown."""


def command(
    query: Annotated[
        str | None, typer.Argument(help="Shows the values for this query's best candidates.")
    ] = None,
    data: Data = DEFAULT_DATA,
    top: Annotated[int, typer.Option(help="Candidates to show.", min=1, max=_DEPTH)] = 5,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS", help="Only features with these words in their name or description."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the features that ranking models know, or their values for a query."""
    from search.errors import BadInput

    known = _known(search)
    if query is None:
        _list(known, json)
    elif not query.strip():
        raise BadInput(
            "the query is empty; type what a shopper would, or leave it out to list the features",
            field="query",
        )
    else:
        names = [each.name for features in known.values() for each in features]
        asyncio.run(_values(query, data, top, names, json))


def _known(wanted: str | None) -> Mapping[str, Sequence[Feature]]:
    """The features by group; those that have the words `wanted`.

    Raises:
        BadInput: none has them.
    """
    from api.commands.features_text import matches
    from rankers.features import GROUPS
    from search.errors import BadInput

    found = {
        group.name: [each for each in group.features if matches(group.name, each, wanted or "")]
        for group in GROUPS
    }
    if not any(found.values()):
        raise BadInput(
            f"no feature says {wanted!r}; aisle features without --search lists all", field="search"
        )
    return found


def _list(known: Mapping[str, Sequence[Feature]], json: bool) -> None:
    from api.commands.console import out, print_json
    from api.commands.features_text import show_list
    from rankers.features import NAMES, VERSION

    if json:
        rows = [_row(group, each) for group, features in known.items() for each in features]
        print_json({"version": VERSION, "features": rows})
        return
    show_list(out, known)
    count = sum(map(len, known.values()))
    of = "" if count == len(NAMES) else f" of {len(NAMES)}"
    out.print(f"{count}{of} features, version {VERSION}")


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


async def _values(query: str, data: Path, top: int, names: Sequence[str], json: bool) -> None:
    from api.commands.console import out, print_json
    from api.commands.features_text import show_values
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
        found = [_values_of(product, row, table, names) for row, product in enumerate(products)]
        print_json({"query": query, "version": VERSION, "candidates": found})
    elif products:
        show_values(out, table, products, names)
    else:
        out.print("Nothing was found: there is nothing to compute features of.")


def _values_of(
    product: Product, row: int, table: FeatureTable, names: Sequence[str]
) -> dict[str, Any]:
    values = dict(zip(table.names, table.values[row].tolist(), strict=True))
    known = {name: None if math.isnan(values[name]) else values[name] for name in names}
    return {"id": product.id, "title": product.title, "features": known}
