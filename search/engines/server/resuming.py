"""What an attempt that died had loaded into the index of a snapshot, so that it is not sent again.

The server itself is asked, by blocks of ordinals: what it counts and sums is compared with what
would be sent, so that nothing is taken on trust. Of a block that it has in part, each document is
compared: servers keep what is sent twice for a while, and count its words twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from search.engines.server.blocking import BlockingServer
from search.engines.server.mapping import FORMAT
from search.engines.server.nearest import FIELD
from search.engines.server.verifying import mappings_of
from search.errors import NotFound

BLOCK = 1_000
"""Ordinals that are compared at once."""
_SECONDS = 120.0
Blocks = Mapping[int, tuple[int, float]]
"""By their first ordinal: how many documents there are, and the sum of their checksums."""


def loaded(
    server: BlockingServer,
    index: str,
    version: str,
    weights: Mapping[str, int],
    *,
    vectors: bool = False,
) -> Blocks | None:
    """What an index holds already; None when it is not there, or not the one that is being made,
    with `vectors` or without.

    Raises:
        BadInput, EngineUnavailable: the server cannot be reached or does not let Aisle in.
    """
    try:
        found = server.request("GET", f"/{index}/_mapping")
    except NotFound:
        return None
    mappings = mappings_of(server.server.product, found)
    made = mappings.get("_meta", {}).get("aisle", {})
    if vectors != (FIELD in mappings.get("properties", {})):
        return None
    if (made.get("version"), made.get("format")) != (version, FORMAT):
        return None
    if made.get("weights") != dict(weights):
        return None
    return _blocks(server, index)


def _blocks(server: BlockingServer, index: str) -> Blocks | None:
    server.request("POST", f"/{index}/_refresh", seconds=_SECONDS)
    changed = [{"exists": {"field": name}} for name in ("born", "died")]
    body: dict[str, Any] = {
        "size": 0,
        "aggs": {
            "changed": {"filter": {"bool": {"should": changed}}},
            "blocks": {
                "histogram": {"field": "ord", "interval": BLOCK, "min_doc_count": 1},
                "aggs": {"checksum": {"sum": {"field": "checksum"}}},
            },
        },
    }
    found = server.request("POST", f"/{index}/_search", body, seconds=_SECONDS)["aggregations"]
    if found["changed"]["doc_count"]:
        return None
    return {
        int(each["key"]): (each["doc_count"], each["checksum"]["value"])
        for each in found["blocks"]["buckets"]
    }


def checksums(server: BlockingServer, index: str, first: int) -> Mapping[int, int]:
    """The checksum of every document of a block that an index holds, by ordinal."""
    body = {
        "size": BLOCK,
        "_source": False,
        "query": {"range": {"ord": {"gte": first, "lt": first + BLOCK}}},
        "sort": [{"ord": "asc"}, {"checksum": "asc"}],
    }
    found = server.request("POST", f"/{index}/_search", body, seconds=_SECONDS)
    return {hit["sort"][0]: hit["sort"][1] for hit in found["hits"]["hits"]}


class Comparing:
    """Passes on the documents that are not there as they would be sent; `look` gives the checksums
    of a block's documents (see `checksums`)."""

    def __init__(
        self,
        blocks: Blocks,
        add: Callable[[Mapping[str, Any]], None],
        look: Callable[[int], Mapping[int, int]],
    ) -> None:
        self._blocks, self._add, self._look = blocks, add, look
        self._waiting: list[Mapping[str, Any]] = []
        self.spared = 0
        """Documents that were there."""

    def add(self, document: Mapping[str, Any]) -> None:
        """Takes the document of the next ordinal."""
        self._waiting.append(document)
        if len(self._waiting) == BLOCK:
            self.finish()

    def finish(self) -> None:
        """Ends the present block."""
        if not self._waiting:
            return
        first = self._waiting[0]["ord"]
        told = len(self._waiting), sum(each["checksum"] for each in self._waiting)
        if self._blocks.get(first) == told:
            self.spared += told[0]
        else:
            known = self._look(first) if first in self._blocks else {}
            missing = [each for each in self._waiting if known.get(each["ord"]) != each["checksum"]]
            self.spared += told[0] - len(missing)
            for document in missing:
                self._add(document)
        self._waiting = []
