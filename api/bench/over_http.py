"""The same searches through the whole server, asked by a client in another process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from api.bench.latency import many_clients
from search.errors import AisleError

_START_SECONDS = 60.0
_UNCACHED = {"AISLE_SERVING__QUERY_CACHE": "0"}
"""The queries are fewer than those that are asked: a vector kept would be found again."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server, and its processes that answer: itself, or its workers."""

    port: int
    processes: tuple[psutil.Process, ...]

    def seconds(self) -> float:
        """Processor seconds of all of them since they began."""
        spent = [process.cpu_times() for process in self.processes]
        return float(sum(each.user + each.system for each in spent))

    def connections(self) -> list[int]:
        """How many clients are connected to each."""
        return [len(_sockets(each, self.port, psutil.CONN_ESTABLISHED)) for each in self.processes]

    def memory(self) -> dict[str, int]:
        """Bytes of all of them; what they map together counts in `rss` for each."""
        held = [process.memory_full_info() for process in self.processes]
        return {"rss": sum(each.rss for each in held), "own": sum(each.uss for each in held)}


@contextlib.asynccontextmanager
async def server(data: Path, port: int, workers: int = 1) -> AsyncIterator[Served]:
    """`aisle serve` on `data`, every worker ready to answer; stopped at the end.

    Raises:
        AisleError: it did not become ready.
    """
    command = [sys.executable, "-m", "api.cli", "serve", "--data", str(data)]
    command += ["--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(  # noqa: ASYNC220
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **_UNCACHED},
    )
    try:
        yield await _ready(port, process, workers)
    finally:
        process.terminate()
        process.wait(20)


async def _ready(port: int, process: subprocess.Popen[bytes], workers: int) -> Served:
    """Waits until as many processes answer as there are to be, and the index is open."""
    url, end = f"http://127.0.0.1:{port}/readyz", time.monotonic() + _START_SECONDS * workers
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(aiohttp.ClientError, psutil.Error):
            served = Served(port, _processes(psutil.Process(process.pid), port))
            # Workers take connections once their index is open, and then each as many.
            async with _connected(url, 2 * workers) as statuses:
                if (
                    statuses == {200}
                    and len(served.processes) == workers
                    and all(served.connections())
                ):
                    return served
        await asyncio.sleep(0.2)
    raise AisleError(f"the server at {url} did not become ready; run `aisle serve` to see why")


@contextlib.asynccontextmanager
async def _connected(url: str, connections: int) -> AsyncIterator[set[int]]:
    """What is answered on so many connections, which are open meanwhile."""
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        asked = [stack.enter_async_context(session.get(url)) for _ in range(connections)]
        yield {answer.status for answer in await asyncio.gather(*asked)}


def _processes(server: psutil.Process, port: int) -> tuple[psutil.Process, ...]:
    """Those that share the port with the one that only keeps them alive, or that one itself."""
    family = server.children(recursive=True)
    listening = tuple(each for each in family if _sockets(each, port, psutil.CONN_LISTEN))
    return listening or (server,)


def _sockets(process: psutil.Process, port: int, status: str) -> list[object]:
    """The TCP connections of a process at its end of this port."""
    return [
        each
        for each in process.net_connections("tcp")
        if each.status == status and each.laddr and each.laddr.port == port
    ]


async def measure_http(
    data: Path,
    queries: Sequence[str],
    clients: Sequence[int],
    seconds: float,
    port: int,
    workers: int = 1,
) -> dict[str, Any]:
    """By number of clients: throughput, latency, the server's processor milliseconds a query
    (`server_ms`) and the clients that each of its `workers` had (`connections`); errors, and the
    server's memory."""
    errors = 0

    async with server(data, port, workers) as served, aiohttp.ClientSession() as session:

        async def ask(query: str) -> None:
            nonlocal errors
            parameters = {"q": query, "size": "20"}
            async with session.get(f"http://127.0.0.1:{port}/v1/search", params=parameters) as got:
                await got.read()
                errors += got.status != 200

        await many_clients(ask, queries, 2 * workers, min(seconds, 3))
        throughput = [await _load(ask, queries, each, seconds, served) for each in clients]
        memory = served.memory()
    return {"workers": workers, "throughput": throughput, "errors": errors, "memory": memory}


async def _load(
    ask: Callable[[str], Awaitable[None]],
    queries: Sequence[str],
    clients: int,
    seconds: float,
    served: Served,
) -> dict[str, Any]:
    before, started = served.seconds(), time.perf_counter()
    load = await many_clients(ask, queries, clients, seconds)
    count = max(load.queries_per_second * (time.perf_counter() - started), 1.0)
    spent = (served.seconds() - before) * 1000 / count
    return {**asdict(load), "server_ms": round(spent, 2), "connections": served.connections()}
