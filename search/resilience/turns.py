"""Turns: so many requests are worked on at once, and the others wait in the order they came in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator


class Turns:
    """Lets `at_once` requests of one process be worked on at once.

    Requests that only compute share the processors anyway. Where all are begun at once, all are
    done late; one after the other they take as long together, and most are done early. Nobody
    waits for longer than `seconds`: where those before wait themselves, for something that does not
    answer, waiting in line would only add to it.
    """

    def __init__(self, at_once: int, seconds: float) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._seconds = seconds

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[float]:
        """Waits for a turn, and holds it; gives the milliseconds that it waited."""
        start = time.perf_counter()
        held = await self._wait()
        try:
            yield (time.perf_counter() - start) * 1000
        finally:
            if held:
                self._room.release()

    async def _wait(self) -> bool:
        """Whether there was room in time."""
        if not self._room.locked():
            return await self._room.acquire()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                return await self._room.acquire()
        return False
