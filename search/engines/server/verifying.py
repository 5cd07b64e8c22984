"""Whether a server and an index are those that a snapshot needs, found out before it serves."""

from __future__ import annotations

from typing import Any

from search.engines.server.client import Server, wrong_product
from search.engines.server.mapping import FORMAT
from search.errors import BadInput, IndexCorrupt

_MAJORS = {"Elasticsearch": ("8",), "OpenSearch": ("2", "3")}


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


async def check_index(server: Server, index: str, version: str) -> None:
    """Raises IndexCorrupt when the index is not the one that was made with a snapshot, NotFound
    when there is none."""
    made = await made_with(server, index)
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


async def made_with(server: Server, index: str) -> dict[str, Any]:
    """What an index says about itself; nothing when it is not Aisle's.

    Raises:
        NotFound: there is no such index.
    """
    found = await server.request("GET", f"/{index}/_mapping")
    mappings = next(iter(found.values()))["mappings"]
    made: dict[str, Any] = mappings.get("_meta", {}).get("aisle", {})
    return made
