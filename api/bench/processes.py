"""Aisle in several processes at once, as `aisle serve --workers` has them, each with its share of
the clients: one process of Python does not use two cores whole.

`python -m api.bench.processes OPTIONS.json` is one of them: it says when it is ready, then answers
each line of JSON, a load, with one, and an empty load with the memory it holds."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import orjson

from api.bench.latency import Percentiles, Throughput, answers, plain
from api.bench.measure import resident
from api.bench.servers_measure import chosen
from api.interpreter import tune
from search.build import Search, open_search
from search.errors import AisleError

WARMING = 20
"""Searches of each process that are not counted."""


def side_by_side(options: Mapping[str, Any], processes: int) -> dict[str, Any]:
    """Measures loads of `options["clients"]` clients, divided among so many processes; `own_ms` and
    `memory` are of all of them together.

    Raises:
        AisleError: one of them ended.
    """
    with ExitStack() as ends:
        given = Path(ends.enter_context(tempfile.TemporaryDirectory())) / "options.json"
        given.write_bytes(orjson.dumps(dict(options)))
        started = [ends.enter_context(_started(given)) for _ in range(processes)]
        for each in started:
            _said(each)
        loads = [_load(started, clients, options["seconds"]) for clients in options["clients"]]
        held = [_asked(each, {}) for each in started]
        return {"loads": loads, "memory": {"rss": sum(each["rss"] for each in held)}}


def _started(given: Path) -> Popen[bytes]:
    command = [sys.executable, "-m", "api.bench.processes", str(given)]
    return Popen(command, stdin=PIPE, stdout=PIPE)


def _ask(process: Popen[bytes], asked: Mapping[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(orjson.dumps(dict(asked)) + b"\n")
    process.stdin.flush()


def _said(process: Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AisleError(f"measuring ended: {' '.join(map(str, process.args))}")  # type: ignore[arg-type]
    told: dict[str, Any] = orjson.loads(line)
    return told


def _asked(process: Popen[bytes], asked: Mapping[str, Any]) -> dict[str, Any]:
    _ask(process, asked)
    return _said(process)


def _load(processes: Sequence[Popen[bytes]], clients: int, seconds: float) -> dict[str, Any]:
    shares = [len(range(number, clients, len(processes))) for number in range(len(processes))]
    asked = [(each, share) for each, share in zip(processes, shares, strict=True) if share]
    for number, (process, share) in enumerate(asked):
        _ask(process, {"clients": share, "seconds": seconds, "part": number / len(asked)})
    found = [_said(process) for process, _ in asked]
    spent = [each for one in found for each in one["milliseconds"]]
    rate = sum(len(one["milliseconds"]) / one["elapsed"] for one in found)
    load = Throughput(clients, round(rate, 1), Percentiles.of(spent))
    own = sum(one["processor"] for one in found) * 1000 / max(len(spent), 1)
    return {**asdict(load), "own_ms": own, "server_ms": None}


async def _serve(options: Mapping[str, Any]) -> None:
    search = await open_search(chosen(options), query_cache=0)
    try:
        for query in options["queries"][:WARMING]:
            await search.search(plain(query))
        _say({})
        for line in sys.stdin.buffer:
            asked = orjson.loads(line)
            _say(await _answer(search, options["queries"], asked) if asked else resident())
    finally:
        await search.close()


async def _answer(
    search: Search, queries: Sequence[str], asked: Mapping[str, Any]
) -> dict[str, Any]:
    start = int(asked["part"] * len(queries))
    turned = [*queries[start:], *queries[:start]]
    own, started = time.process_time(), time.perf_counter()
    spent = await answers(
        lambda query: search.search(plain(query)), turned, asked["clients"], asked["seconds"]
    )
    elapsed, own = time.perf_counter() - started, time.process_time() - own
    return {"milliseconds": spent, "elapsed": elapsed, "processor": own}


def _say(told: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    tune()
    asyncio.run(_serve(orjson.loads(Path(sys.argv[1]).read_bytes())))
