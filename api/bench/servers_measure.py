"""Measures Aisle on one index, whoever holds its words, in a process of its own, so that memory is
the search's alone: `python -m api.bench.servers_measure OPTIONS.json` prints one line of JSON."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import orjson

from api.bench.latency import Percentiles, plain
from api.bench.measure import resident
from api.bench.servers_loads import loads
from api.interpreter import tune
from search.build import Search, open_search
from search.settings import EngineServerSettings, Settings


async def measure(options: Mapping[str, Any]) -> dict[str, Any]:
    """Each query once, of which the server has to count the words; then loads by clients."""
    search = await open_search(chosen(options), query_cache=0)
    queries: Sequence[str] = options["queries"]
    try:
        for query in queries[:20]:
            await search.search(plain(query))
        first = await _one_by_one(search, queries[20:])
        again = await _one_by_one(search, queries[20:])
        found = await loads(
            lambda query: search.search(plain(query)),
            queries,
            options["clients"],
            options["seconds"],
            options.get("server"),
        )
        return {
            "first": {name: asdict(spent) for name, spent in first.items()},
            "again": {name: asdict(spent) for name, spent in again.items()},
            "loads": found,
            "memory": resident(),
        }
    finally:
        await search.close()


def chosen(options: Mapping[str, Any]) -> Settings:
    """The settings that options name."""
    url, prefix = options.get("url"), options.get("prefix", "aisle")
    server = {"prefix": prefix, "dense": options.get("dense", "faiss"), "timeout_seconds": 60.0}
    server |= {"url": url} if url else {}
    return Settings(
        data=Path(options["data"]),
        engine=options["engine"],
        server=EngineServerSettings.model_validate(server),
    )


async def _one_by_one(search: Search, queries: Sequence[str]) -> dict[str, Percentiles]:
    """Milliseconds of all, of `words`, and of the `rest`."""
    spent: dict[str, list[float]] = defaultdict(list)
    for query in queries:
        started = time.perf_counter()
        answer = await search.search(plain(query))
        whole = (time.perf_counter() - started) * 1000
        words = answer.timings.get("words", 0.0)
        for name, each in (("all", whole), ("words", words), ("rest", whole - words)):
            spent[name].append(each)
    return {name: Percentiles.of(each) for name, each in spent.items()}


if __name__ == "__main__":
    tune()
    given = orjson.loads(Path(sys.argv[1]).read_bytes())
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(measure(given))) + b"\n")
