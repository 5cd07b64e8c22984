"""Loads, and what of the processors they cost, which other work on the machine hardly changes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import psutil

from api.bench.latency import many_clients


async def loads(
    ask: Callable[[str], Awaitable[object]],
    queries: Sequence[str],
    clients: Sequence[int],
    seconds: float,
    server: int | None,
) -> list[dict[str, Any]]:
    """A load for each number of clients, with the processor milliseconds a query of this process
    (`own_ms`) and of the process `server` (`server_ms`, None when it is not on this machine)."""
    found = []
    for number in clients:
        before, own, started = _spent(server), time.process_time(), time.perf_counter()
        load = await many_clients(ask, queries, number, seconds)
        count = max(load.queries_per_second * (time.perf_counter() - started), 1.0)
        after, own = _spent(server), time.process_time() - own
        there = None if before is None or after is None else (after - before) * 1000 / count
        found.append({**asdict(load), "own_ms": own * 1000 / count, "server_ms": there})
    return found


def _spent(process: int | None) -> float | None:
    with suppress(psutil.Error):
        if process is not None:
            times = psutil.Process(process).cpu_times()
            return float(times.user + times.system)
    return None
