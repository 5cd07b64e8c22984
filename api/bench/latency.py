"""Latency and throughput of the search itself, in one process, nothing cached."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.build import Search
from search.types import Filter, SearchRequest

Shape = Callable[[str], SearchRequest]
"""Makes the request of a case from a query."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    mean: float

    @staticmethod
    def of(milliseconds: Sequence[float]) -> Percentiles:
        """Percentiles of a sample; NaN of none."""
        if not milliseconds:
            return Percentiles(*[float("nan")] * 4)
        p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99]).tolist()
        return Percentiles(*(round(x, 3) for x in (p50, p95, p99, float(np.mean(milliseconds)))))


def plain(query: str) -> SearchRequest:
    """The search itself: no facets, no filters."""
    return SearchRequest(query)


def cases(brands: Sequence[str]) -> Mapping[str, Shape]:
    """What else a shop asks for; `brands` are common ones, to filter by."""
    return {
        "plain": plain,
        "facets": lambda query: SearchRequest(query, facets=None),
        "brand filter": lambda query: SearchRequest(
            query, filters=(Filter("brand", (brands[len(query) % len(brands)],)),)
        ),
        "price filter": lambda query: SearchRequest(
            query, filters=(Filter("price", low=10, high=50),)
        ),
        "sorted by price": lambda query: SearchRequest(query, sort="price_asc"),
        "not ranked": lambda query: SearchRequest(query, system="hybrid"),
        "as typed, not ranked": lambda query: SearchRequest(query, system="hybrid-raw"),
        "words only": lambda query: SearchRequest(query, system="bm25"),
        "grouped, highlighted": lambda query: SearchRequest(query, group=True, highlight=True),
    }


@dataclass(frozen=True, slots=True)
class Latency:
    """One client's answers, by stage, and what they cost.

    `cpu` is processor milliseconds per query over all threads of the process.
    """

    stages: Mapping[str, Percentiles]
    cpu: float


async def one_client(search: Search, queries: Sequence[str], shape: Shape) -> Latency:
    """Asks one query after another."""
    stages: dict[str, list[float]] = defaultdict(list)
    for query in queries[:20]:
        await search.search(shape(query))
    cpu = time.process_time()
    for query in queries:
        started = time.perf_counter()
        answer = await search.search(shape(query))
        stages["all"].append((time.perf_counter() - started) * 1000)
        for stage, spent in answer.timings.items():
            stages[stage].append(spent)
    cpu = (time.process_time() - cpu) * 1000 / len(queries)
    stages.pop("total", None)
    return Latency({name: Percentiles.of(spent) for name, spent in stages.items()}, round(cpu, 3))


@dataclass(frozen=True, slots=True)
class Throughput:
    """Several clients at once, each asking its next query as soon as it has an answer."""

    clients: int
    queries_per_second: float
    latency: Percentiles


async def many_clients(
    ask: Callable[[str], Awaitable[object]], queries: Sequence[str], clients: int, seconds: float
) -> Throughput:
    """Runs `clients` loops over the queries for `seconds`."""
    started = time.perf_counter()
    spent = await answers(ask, queries, clients, seconds)
    elapsed = time.perf_counter() - started
    return Throughput(clients, round(len(spent) / elapsed, 1), Percentiles.of(spent))


async def answers(
    ask: Callable[[str], Awaitable[object]], queries: Sequence[str], clients: int, seconds: float
) -> list[float]:
    """The milliseconds of each answer of such loops."""
    spent: list[float] = []
    end = time.perf_counter() + seconds

    async def client(offset: int) -> None:
        place = offset
        while time.perf_counter() < end:
            started = time.perf_counter()
            await ask(queries[place % len(queries)])
            spent.append((time.perf_counter() - started) * 1000)
            place += 1

    starts = [len(queries) * i // clients for i in range(clients)]
    await asyncio.gather(*(client(offset) for offset in starts))
    return spent
