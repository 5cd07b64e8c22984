"""A server for code that blocks: its requests run in an event loop of a thread of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, TypeVar

from search.engines.server.client import ElasticsearchServer, OpenSearchServer, Params, Server
from search.errors import BadInput
from search.settings import EngineServerSettings, Settings

T = TypeVar("T")

SERVERS: Mapping[str, type[ElasticsearchServer] | type[OpenSearchServer]] = {
    "elasticsearch": ElasticsearchServer,
    "opensearch": OpenSearchServer,
}
"""The clients by the engine's name."""


def connect(settings: Settings) -> Server:
    """The server that `engine` names.

    Raises:
        BadInput: it names none, or says not enough to reach it.
    """
    if settings.engine not in SERVERS:
        raise BadInput(
            f"engine is {settings.engine!r}, which has no server; set it to one of "
            f"{', '.join(SERVERS)}",
            field="engine",
        )
    return SERVERS[settings.engine](settings.server)


class BlockingServer:
    """Sends requests from any thread. Close it, or use it as a context."""

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet; see `connect`."""
        self.settings: EngineServerSettings = settings.server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="server", daemon=True)
        self._thread.start()
        try:
            self.server = asyncio.run_coroutine_threadsafe(_made(settings), self._loop).result()
        except BaseException:
            self._stop()
            raise

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        params: Params | None = None,
        seconds: float | None = None,
    ) -> Any:
        """See `Server.request`."""
        asked = self.server.request(method, path, body, params, seconds)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def run(self, work: Callable[[Server], Coroutine[Any, Any, T]]) -> T:
        """What awaited work with the server gives."""
        return asyncio.run_coroutine_threadsafe(work(self.server), self._loop).result()

    def close(self) -> None:
        """Closes the connections."""
        asyncio.run_coroutine_threadsafe(self.server.close(), self._loop).result()
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> BlockingServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


async def _made(settings: Settings) -> Server:
    """Made within the loop that it works in."""
    return connect(settings)
