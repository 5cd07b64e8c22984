"""A TCP proxy before a server, which is slow, silent or gone by command."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from tests.engines.processes import HOST, free_ports

_PIECE = 65_536
_TAKEN_SECONDS = 0.02
"""In which what was taken from the queue of a listening socket has become a connection."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes closing a reset (man 7 socket)."""


class DelayingProxy:
    """Passes on what comes, from a thread of its own, so that any test can command it. `delay` is
    how many seconds each piece of an answer waits; it may change at any time."""

    def __init__(self, target: int) -> None:
        self.delay = 0.0
        self.connections = 0
        (self.port,) = free_ports(1)
        self.first = self._target = target
        self._left: int | None = None
        self._held: bytes | None = None
        self._late = bytearray()
        self._loop = asyncio.new_event_loop()
        self._flowing = asyncio.Event()
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Of a server that speaks HTTP."""
        return f"http://{HOST}:{self.port}"

    def __enter__(self) -> DelayingProxy:
        self._thread.start()
        self.pass_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def pass_on(self) -> None:
        """As at first: whatever was asked for below is over."""
        self.delay, self._left = 0.0, None
        self._run(self._listen())

    def stall(self) -> None:
        """Takes connections and requests; nothing more comes back until `pass_on`."""
        self._run(self._stall())

    def cut(self) -> None:
        """Resets the connections that are open."""
        self._run(self._cut())

    def cut_after(self, size: int) -> None:
        """Passes on `size` bytes more of answers, then resets the connection it is on, and each
        later one at its first byte."""
        self._left = size

    def hold(self, words: bytes) -> None:
        """Keeps the next request that holds `words`: nothing answers it, and others go on."""
        self._held = words

    def deliver(self) -> bytes:
        """Hands the server what was kept, however late; what it answers, which nobody waits for any
        more. To be called when who sent it has given it up."""
        return asyncio.run_coroutine_threadsafe(self._deliver(), self._loop).result(60.0)

    def lead_to(self, target: int) -> None:
        """From now on what comes goes to another port; connections that are open are reset."""
        self._target = target
        self.cut()

    def refuse(self) -> None:
        """Resets what is open, and nobody listens."""
        self._run(self._close())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)

    async def _deliver(self) -> bytes:
        assert self._late, f"nothing held {self._held!r}"
        reader, there = await asyncio.open_connection(HOST, self._target)
        there.write(self._late)
        self._late.clear()
        answer = await reader.read(_PIECE)
        there.close()
        return answer

    async def _listen(self) -> None:
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._connected, HOST, self.port)

    async def _stall(self) -> None:
        self._flowing.clear()

    async def _cut(self) -> None:
        ending = dict(self._open)
        for writer, task in ending.items():
            _reset(writer)
            task.cancel()
        await asyncio.gather(*ending.values(), return_exceptions=True)

    async def _close(self) -> None:
        if self._server is not None:
            # A connection that is being taken while its server is closed would never be closed.
            for listening in self._server.sockets:
                self._loop.remove_reader(listening.fileno())
            await asyncio.sleep(_TAKEN_SECONDS)
            self._server.close()
            self._server = None
        self._flowing.set()
        await self._cut()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            with suppress(OSError, asyncio.CancelledError):
                reader_there, writer_there = await asyncio.open_connection(HOST, self._target)
                asking = asyncio.create_task(self._questions(reader, writer_there))
                try:
                    await self._answers(reader_there, writer)
                finally:
                    asking.cancel()
                    writer_there.transport.abort()
                    await asyncio.wait([asking])
        finally:
            _reset(writer)
            del self._open[writer]

    async def _questions(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                await self._flowing.wait()
                if self._held is not None and self._held in piece:
                    self._held = None
                    await self._keep(reader, piece)
                    break
                there.write(piece)
                await there.drain()
        there.close()

    async def _keep(self, reader: asyncio.StreamReader, piece: bytes) -> None:
        """Until who sends it gives it up."""
        while piece:
            self._late += piece
            piece = await reader.read(_PIECE)

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await there.read(_PIECE):
            await asyncio.sleep(self.delay)
            await self._flowing.wait()
            if self._left is not None:
                piece, self._left = piece[: self._left], max(self._left - len(piece), 0)
            writer.write(piece)
            await writer.drain()
            if self._left == 0:
                raise ConnectionResetError
        writer.close()
        await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
