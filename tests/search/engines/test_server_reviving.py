"""Shards that a server has given up are opened again by who needs them."""

from __future__ import annotations

from typing import Any, cast

import pytest

from search.engines.server.client import Server
from search.engines.server.reviving import calm, revive
from search.errors import EngineUnavailable, EngineUnusable


class Told:
    """A server that knows of so many failures, and hears what is set."""

    def __init__(self, *failed: int, refusal: Exception | None = None) -> None:
        shards = [[{"unassigned_info": {"failed_attempts": each}}] for each in failed]
        self._shards, self._refusal = dict(enumerate(shards)), refusal
        self.settings: list[Any] = []

    async def request(self, method: str, path: str, body: Any = None, *_: object) -> Any:
        """One answer."""
        if method == "GET":
            assert path == "/_cluster/state/routing_table/shop"
            return {"routing_table": {"indices": {"shop": {"shards": self._shards}}}}
        if self._refusal is not None:
            raise self._refusal
        self.settings.append((path, body))
        return {"acknowledged": True}


async def test_one_more_failure_than_there_were_is_allowed() -> None:
    server = Told(3, 5)
    await revive(cast(Server, server), "shop", 1.0)
    assert server.settings == [("/shop/_settings", {"index.allocation.max_retries": 6})]


async def test_what_was_allowed_is_taken_back() -> None:
    server = Told()
    await calm(cast(Server, server), "shop", 1.0)
    assert server.settings == [("/shop/_settings", {"index.allocation.max_retries": None})]


async def test_nothing_is_set_where_nothing_failed() -> None:
    server = Told()
    await revive(cast(Server, server), "shop", 1.0)
    assert server.settings == []


@pytest.mark.parametrize(
    "refusal", [EngineUnavailable("no leader"), EngineUnusable("not let in", field="x")]
)
async def test_who_may_not_is_no_worse_off(refusal: Exception) -> None:
    await revive(cast(Server, Told(5, refusal=refusal)), "shop", 1.0)
    await calm(cast(Server, Told(refusal=refusal)), "shop", 1.0)
