"""Has a server try once more to open shards that it has given up. After five failures, as of a node
whose disk is full, it leaves them alone until somebody asks, also when there is room again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from search.engines.server.client import Server
from search.errors import AisleError

_FAILED = "routing_table.indices.*.shards.*.unassigned_info.failed_attempts"


async def revive(server: Server, index: str, seconds: float) -> None:
    """Allows one failure more than there were, of this index alone: setting that is what has the
    server try. Does nothing where none failed, or who asks may not change settings."""
    with suppress(AisleError):
        path, params = f"/_cluster/state/routing_table/{index}", {"filter_path": _FAILED}
        found = await server.request("GET", path, None, params, seconds)
        if failed := max(_failures(found), default=0):
            allowed = {"index.allocation.max_retries": failed + 1}
            await server.request("PUT", f"/{index}/_settings", allowed, None, seconds)


async def calm(server: Server, index: str, seconds: float) -> None:
    """Takes back what `revive` allowed, once all is well."""
    with suppress(AisleError):
        usual = {"index.allocation.max_retries": None}
        await server.request("PUT", f"/{index}/_settings", usual, None, seconds)


def _failures(answer: Any) -> Iterator[int]:
    """The numbers under `failed_attempts`, wherever they are."""
    if isinstance(answer, list):
        for each in answer:
            yield from _failures(each)
    elif isinstance(answer, Mapping):
        for name, each in answer.items():
            yield from ([int(each)] if name == "failed_attempts" else _failures(each))
