"""The same searches through the whole server, asked by a client in another process."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from api.bench.latency import many_clients
from search.errors import AisleError

_START_SECONDS = 60.0


@contextlib.asynccontextmanager
async def server(data: Path, port: int) -> AsyncIterator[psutil.Process]:
    """`aisle serve` on `data`, ready to answer; stopped at the end.

    Raises:
        AisleError: it did not become ready.
    """
    command = [sys.executable, "-m", "api.cli", "serve", "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        await _ready(f"http://127.0.0.1:{port}/readyz", process)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


async def _ready(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise AisleError(f"the server at {url} did not become ready; run `aisle serve` to see why")


async def measure_http(
    data: Path, queries: Sequence[str], clients: Sequence[int], seconds: float, port: int
) -> dict[str, Any]:
    """Throughput and latency by number of clients, errors, and the server's memory."""
    errors = 0

    async with server(data, port) as process, aiohttp.ClientSession() as session:

        async def ask(query: str) -> None:
            nonlocal errors
            parameters = {"q": query, "size": "20"}
            async with session.get(f"http://127.0.0.1:{port}/v1/search", params=parameters) as got:
                await got.read()
                errors += got.status != 200

        await many_clients(ask, queries, 2, min(seconds, 3))
        throughput = [asdict(await many_clients(ask, queries, n, seconds)) for n in clients]
        memory = process.memory_full_info()
    return {
        "throughput": throughput,
        "errors": errors,
        "memory": {"rss": memory.rss, "own": memory.uss},
    }
