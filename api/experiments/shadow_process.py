"""A process that ranks for shadows, so that nothing they do can slow or fail an answer: it has its
own interpreter, runs behind everybody else, and may be killed at any moment. It says what each
ranking cost of the processor."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from api.experiments.opening import fault_of
from api.settings import AppSettings
from search.build import Search, open_search
from search.types import SearchRequest

_NICE = 10


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a candidate made of a request: products by id, how many there are, whether something
    stood in for what failed, the time and the processor time in milliseconds; `fault` says why
    there is nothing."""

    ids: tuple[str, ...] = ()
    total: int = 0
    fallbacks: bool = False
    milliseconds: float = 0.0
    processor: float = 0.0
    fault: str | None = None


@dataclass(slots=True)
class Ranker:
    """Ranks one request after the other."""

    search: Search
    settings: AppSettings
    spent: float = field(default_factory=time.process_time)

    async def rank(self, system: str, request: SearchRequest) -> Ranked:
        """What a system makes of a request; never raises."""
        started = time.perf_counter()
        try:
            self.search, fault = await fault_of(self.search, self.settings, system)
            if fault is not None:
                return Ranked(fault=fault, processor=self._cost())
            # What was loaded for it stays.
            found = await self.search.search(request)
        except Exception as error:
            return Ranked(fault=f"{type(error).__name__}: {error}", processor=self._cost())
        return Ranked(
            tuple(hit.product.id for hit in found.hits),
            found.total,
            bool(found.fallbacks),
            (time.perf_counter() - started) * 1000,
            self._cost(),
        )

    def _cost(self) -> float:
        """Milliseconds of all threads since the last time."""
        before, self.spent = self.spent, time.process_time()
        return (self.spent - before) * 1000


async def serve(connection: Connection) -> None:
    """Answers until the other end is gone: settings first, then pairs of a system and a request.
    Says `None` once it is ready."""
    settings: AppSettings = connection.recv()
    search = await open_search(settings)
    try:
        ranker = Ranker(search, settings)
        connection.send(None)
        while True:
            system, request = await asyncio.to_thread(connection.recv)
            connection.send(await ranker.rank(system, request))
    except (EOFError, OSError):
        return
    finally:
        await search.close()


def main() -> None:
    """Serves the connection whose descriptor is the first argument."""
    os.nice(_NICE)
    asyncio.run(serve(Connection(int(sys.argv[1]))))
