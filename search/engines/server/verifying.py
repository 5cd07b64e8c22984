"""Whether a server and an index are those that a snapshot needs, found out before it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.engines.server.client import Server, wrong_product
from search.engines.server.mapping import FORMAT, mapping
from search.engines.server.nearest import FIELD
from search.errors import BadInput, IndexCorrupt

_MAJORS = {"Elasticsearch": ("8",), "OpenSearch": ("2",)}
"""Versions that score words as the embedded engine does; OpenSearch 3 leaves a factor out."""


async def check_server(server: Server) -> None:
    """Raises BadInput when the server is of another product or version than the client's."""
    told = (await server.request("GET", "/"))["version"]
    product = "OpenSearch" if told.get("distribution") == "opensearch" else "Elasticsearch"
    if product != server.product:
        raise wrong_product(server.product)
    known = _MAJORS[product]
    if told["number"].partition(".")[0] not in known:
        raise BadInput(
            f"the server is {product} {told['number']}; Aisle works with "
            f"{' and '.join(f'{product} {major}' for major in known)}: use a server of these",
            field="server.url",
        )


async def check_index(server: Server, index: str, version: str, *, vectors: bool = False) -> None:
    """Raises IndexCorrupt when the index is not the one that was made with a snapshot, or lacks
    `vectors`, NotFound when there is none."""
    mappings = await _mappings(server, index)
    made = mappings.get("_meta", {}).get("aisle", {})
    if not made:
        raise IndexCorrupt(
            f"index {index} of {server.product} was not made by Aisle: delete it, or choose "
            "another [server] prefix, and run `aisle reindex`"
        )
    if made.get("version") != version:
        raise IndexCorrupt(
            f"index {index} of {server.product} was made with snapshot {made.get('version')}, not "
            f"{version}: run `aisle reindex`"
        )
    if made.get("format") != FORMAT:
        raise IndexCorrupt(
            f"index {index} of {server.product} has format {made.get('format')}, this program "
            f"reads {FORMAT}: run `aisle reindex`"
        )
    if not made.get("complete"):
        raise IndexCorrupt(
            f"index {index} of {server.product} was never completed: run `aisle reindex`"
        )
    wanted, found = (_types(each) for each in (mapping(version, {}), mappings))
    if other := [name for name, kind in wanted.items() if found.get(name) != kind]:
        name = other[0]
        raise IndexCorrupt(
            f"index {index} of {server.product} has {name} as {found.get(name)}, not "
            f"{wanted[name]}: another program or an index template altered it; mend that and run "
            "`aisle reindex`"
        )
    if vectors and FIELD not in found:
        raise IndexCorrupt(
            f'index {index} of {server.product} has no vectors, and [server] dense is "server": '
            'run `aisle reindex`, or set dense = "faiss"'
        )


def _types(mappings: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: field.get("type", "object") for name, field in mappings.get("properties", {}).items()
    }


async def _mappings(server: Server, index: str) -> dict[str, Any]:
    found = await server.request("GET", f"/{index}/_mapping")
    return mappings_of(server.product, found)


def mappings_of(product: str, found: object) -> dict[str, Any]:
    """The mapping of the one index that was asked about.

    Raises:
        EngineUnusable: no search server answered.
    """
    described = next(iter(found.values()), None) if isinstance(found, Mapping) else None
    if not isinstance(described, Mapping) or "mappings" not in described:
        raise wrong_product(product)
    return dict(described["mappings"])
