"""The engines of servers: they follow the snapshot `CURRENT` names, as the embedded one does, and
ask the index that was made with it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from search.engines.local.following import FollowingEngine
from search.engines.server.client import ElasticsearchServer, OpenSearchServer, Server
from search.engines.server.faults import Away
from search.engines.server.naming import index_name
from search.engines.server.snapshot import ServerSnapshot
from search.engines.server.state import ServerState
from search.engines.server.verifying import check_index, check_server
from search.engines.server.view import ServerView, harmless
from search.errors import EngineUnavailable, EngineUnusable
from search.resilience import Guard
from search.settings import EngineServerSettings, Settings

_PROBE_SECONDS = 0.3
"""A server that takes longer to find nothing is of no use to shoppers."""
_REVIVE_SECONDS = 5.0
"""How often a server that answers, and has no shards, is asked to open them again."""


class ServerEngine(FollowingEngine[ServerView, ServerState]):
    """An index on a server; implements `search.seams.Engine`."""

    _connect: Callable[[EngineServerSettings], Server]

    def __init__(self, settings: Settings) -> None:
        """Opens nothing yet.

        Raises:
            BadInput: a setting makes no sense for this engine.
        """
        super().__init__(settings)
        self._server = type(self)._connect(settings.server)
        self._accepted: set[str] = set()
        self._revived: float | None = None
        chosen = settings.server
        self._guard = Guard(
            settings.engine,
            self._probe,
            EngineUnavailable,
            at_once=chosen.connections,
            wait_seconds=chosen.timeout_seconds,
            harmless=harmless,
        )
        self._changes = Guard(
            f"{settings.engine} changes",
            self._probe_changes,
            EngineUnavailable,
            at_once=1,
            wait_seconds=chosen.change_seconds,
            failures=1,
            harmless=lambda error: not isinstance(error, EngineUnavailable),
        )

    async def close(self) -> None:
        """Stops background work and closes the connections."""
        await self._guard.close()
        await self._changes.close()
        await super().close()
        await self._server.close()

    def _opened(self, version: str) -> ServerSnapshot:
        return ServerSnapshot(self._settings, version, self._server)

    def _viewed(self, state: ServerState) -> ServerView:
        return ServerView(state, self._pool, self._guard)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """See `search.seams.Engine.changing`; another server is no fault of a change."""
        async with self._changes.asking():
            try:
                yield
            except EngineUnusable as error:
                raise EngineUnavailable(str(error)) from error

    async def _probe_changes(self) -> None:
        try:
            await self._probe()
        except EngineUnusable as error:  # as in `changing`
            raise EngineUnavailable(str(error)) from error
        if self._newest is not None:
            await self._newest.probe_changes(_PROBE_SECONDS)

    async def _probe(self) -> None:
        newest = self._newest
        if newest is None:
            await self._server.request("GET", "/", seconds=_PROBE_SECONDS)
            return
        try:
            await newest.probe(_PROBE_SECONDS)
        except Away:
            raise
        except EngineUnavailable:
            await self._revive(newest)
            raise
        if self._revived is not None:
            self._revived = None
            await newest.revive(_REVIVE_SECONDS, well=True)

    async def _revive(self, view: ServerView) -> None:
        now = time.monotonic()
        if self._revived is None or now - self._revived > _REVIVE_SECONDS:
            self._revived = now
            await view.revive(_REVIVE_SECONDS)

    async def _accept(self, state: ServerState) -> None:
        if state.index not in self._accepted:
            await check_server(self._server)
            version = state.facts.version.partition(".")[0]
            vectors = state.dense_there and state.vectors is not None
            await check_index(self._server, state.index, version, vectors=vectors)
            self._accepted.add(state.index)


class ElasticsearchEngine(ServerEngine):
    """On Elasticsearch 8."""

    _connect = ElasticsearchServer


class OpenSearchEngine(ServerEngine):
    """On OpenSearch 2."""

    _connect = OpenSearchServer


__all__ = ["ElasticsearchEngine", "OpenSearchEngine", "index_name"]
