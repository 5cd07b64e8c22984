"""uvicorn's server as one of several processes that share a port."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import cast

import uvicorn

from api.connections import GuardedProtocol
from api.shares import Share

_log = logging.getLogger(__name__)
_ALIVE_SECONDS = 0.1


class SharingServer(uvicorn.Server):
    """Takes connections of its own socket, and those that wait where another worker died or is
    stuck; the kernel is told whose turn it is (`api/shares.py`)."""

    def __init__(self, config: uvicorn.Config, share: Share) -> None:
        super().__init__(config)
        self._share = share
        self._joining: set[asyncio.Task[None]] = set()
        self._beats: asyncio.TimerHandle | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the application, then takes connections."""
        await super().startup(sockets=[self._share.own])
        self._share.enter()
        self._beat()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no more, and lets requests in flight finish."""
        if self._beats is not None:
            self._beats.cancel()
        self._share.leave()
        await super().shutdown(sockets=list(self._share.sockets))

    def _beat(self) -> None:
        self._share.alive()
        for listener in self._share.deserted():
            self._take_over(listener)
        self._beats = asyncio.get_running_loop().call_later(_ALIVE_SECONDS, self._beat)

    def _take_over(self, listener: socket.socket) -> None:
        """Takes what waits at another worker's socket."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # nothing waits, another worker was faster, or there are no files left
                return
            task = asyncio.get_running_loop().create_task(self._join(connection))
            self._joining.add(task)
            task.add_done_callback(self._joining.discard)

    async def _join(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(self._protocol, connection, ssl=self.config.ssl)
        except OSError as error:
            _log.debug("a connection did not come about: %s", error)

    def _protocol(self) -> GuardedProtocol:
        make = cast("type[GuardedProtocol]", self.config.http_protocol_class)
        return make(self.config, self.server_state, self.lifespan.state)
