"""Measures one built index. Run in a process of its own, so that memory is the search's alone:
`python -m api.bench.measure DATA QUERIES.json OPTIONS.json`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import orjson
import psutil

from api.bench.floor import tantivy_alone
from api.bench.latency import cases, many_clients, one_client, plain
from api.interpreter import tune
from search.build import Search, open_search
from search.settings import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """How long to measure."""

    seconds: float = 10.0
    clients: tuple[int, ...] = (1, 2, 4, 8)


def resident() -> dict[str, int]:
    """This process's memory in bytes: all of it, and what is its own (not mapped files)."""
    memory = psutil.Process().memory_full_info()
    return {"rss": memory.rss, "own": memory.uss}


def common_words(queries: Sequence[str], count: int) -> list[str]:
    """Pairs of the most common query words: the longest lists, and few products with both."""
    counts = Counter(word for query in queries for word in query.lower().split())
    words = [word for word, _ in counts.most_common(60)]
    random = np.random.default_rng(5)
    return [" ".join(random.choice(words, 3, replace=False)) for _ in range(count)]


async def measure(data: Path, queries: Sequence[str], options: Options) -> dict[str, Any]:
    """Every figure of one index, as plain values."""
    search = await open_search(Settings(data=data), query_cache=0)
    try:
        return await _measure(search, queries, options)
    finally:
        await search.close()


async def _measure(search: Search, queries: Sequence[str], options: Options) -> dict[str, Any]:
    view = await search.engine.view()
    brands = list(view.columns.values("brand")[:20])
    # Little of the index is in memory yet.
    latency: dict[str, Any] = {"plain, at first": asdict(await one_client(search, queries, plain))}
    for name, shape in cases(brands).items():
        latency[name] = asdict(await one_client(search, queries, shape))
    common = common_words(queries, min(300, len(queries)))
    latency["common words"] = asdict(await one_client(search, common, plain))
    throughput = [
        asdict(await many_clients(lambda q: search.search(plain(q)), queries, n, options.seconds))
        for n in options.clients
    ]
    return {
        "products": view.count,
        "latency": latency,
        "throughput": throughput,
        "floor": tantivy_alone(search.settings.data, queries),
        "memory": resident(),
    }


def main(arguments: Sequence[str]) -> None:
    """Measures and prints one line of JSON."""
    tune()
    data, queries, options = arguments
    asked: list[str] = orjson.loads(Path(queries).read_bytes())
    given: Mapping[str, Any] = orjson.loads(Path(options).read_bytes())
    measured = asyncio.run(
        measure(Path(data), asked, Options(given["seconds"], tuple(given["clients"])))
    )
    sys.stdout.buffer.write(orjson.dumps(measured) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
