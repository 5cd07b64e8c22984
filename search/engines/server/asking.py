"""Searches of one index: what travels, and whether an answer is about all of it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from search import fallbacks
from search.engines.server.client import Params, Server
from search.engines.server.dialect import Dsl
from search.engines.server.faults import wrong_product
from search.resilience import note

HITS: Params = {
    "filter_path": "timed_out,_shards.failed,hits.hits.sort",
    "search_type": "dfs_query_then_fetch",
}
"""What travels of a candidate: its score and its ordinal. Words are counted over all shards, so
that scores are those of one; of a single shard, nothing more is asked."""
COUNTS: Params = {"filter_path": "timed_out,_shards.failed,aggregations"}


async def ask(
    server: Server, index: str, body: Dsl, params: Params, seconds: float | None = None
) -> Any:
    """The answer to a search, of which the request notes when it is not about all of the index.

    Raises:
        EngineUnavailable: the server does not answer.
        EngineUnusable: what answers is no search server.
    """
    found = await server.request("POST", f"/{index}/_search", body, params, seconds)
    if not isinstance(found, Mapping) or "_shards" not in found:
        raise wrong_product(server.product)
    if not whole(found):
        note(fallbacks.PART)
    return found


def whole(answer: Mapping[str, Any]) -> bool:
    """Whether an answer is about all parts of the index, and all that is in them."""
    return not (answer.get("timed_out") or answer.get("_shards", {}).get("failed"))


def copy_of(query: Dsl) -> str:
    """Which copy of the index answers: the same for the same query, since copies count words a
    little differently while changes come in, and pages of one query should not."""
    return blake2b(orjson.dumps(query), digest_size=8).hexdigest()
