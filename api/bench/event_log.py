"""What logging costs: what a search pays for being logged, and how fast events become durable."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from api.event_log import HeldLog
from api.metrics import Metrics
from api.search_log import Visit, new_query_id
from api.settings import AppSettings
from search.build import Search, open_search
from search.types import Event, SearchRequest

SIZE = 24
"""Hits of a page, as the storefront asks for them."""
BATCHES = (1, 20, 100)
"""Events in a batch."""
ROUNDS = 100


async def run_event_log(
    settings: AppSettings, queries: Sequence[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Figures in milliseconds and bytes; the log that is written is a temporary one.

    Raises:
        IndexMissing, IndexCorrupt: there is nothing to search.
    """
    search = await open_search(settings)
    try:
        with tempfile.TemporaryDirectory(prefix="aisle-log-") as directory:
            apart = settings.model_copy(update={"data": Path(directory)})
            say(f"searching {len(queries)} queries, logged and not")
            searches = await _searches(search, apart, queries)
            say("sending events")
            return {**searches, "events": await _events(apart)}
    finally:
        await search.close()


async def _searches(
    search: Search, settings: AppSettings, queries: Sequence[str]
) -> dict[str, Any]:
    log = HeldLog(settings, Metrics())
    visit = Visit("client", "session", "bench")
    spent: dict[bool, list[float]] = {False: [], True: []}
    logging: list[float] = []
    for warm in (True, False):
        for number, query in enumerate(queries):
            # In turns, so that a busy machine disturbs both alike.
            for logged in (number % 2 == 0, number % 2 == 1):
                asked = SearchRequest(query, size=SIZE, id=new_query_id())
                start = time.perf_counter()
                response = await search.search(asked)
                answered = time.perf_counter()
                if logged:
                    log.search(asked, response, visit)
                end = time.perf_counter()
                if not warm:
                    spent[logged].append(end - start)
                    logging += [end - answered] if logged else []
    model = search.models.current()
    await log.close()
    written = sum(path.stat().st_size for path in settings.data.rglob("*.log"))
    return {
        "model": model.version if model else None,
        "searches": len(queries),
        "logging_ms": _spread(logging),
        "answer_ms": _spread(spent[False]),
        "answer_logged_ms": _spread(spent[True]),
        "bytes_a_search": round(written / (2 * len(queries))),
        "dropped": log.dropped,
    }


async def _events(settings: AppSettings) -> list[dict[str, Any]]:
    log = HeldLog(settings, Metrics())
    figures = []
    for size in BATCHES:
        took = []
        for number in range(ROUNDS):
            batch = [_event(f"{size} {number} {each}") for each in range(size)]
            start = time.perf_counter()
            await log.append(batch)
            took.append(time.perf_counter() - start)
        begun = time.perf_counter()
        together = [_event(f"{size} together {each}") for each in range(ROUNDS * size)]
        parts = [together[each : each + size] for each in range(0, len(together), size)]
        await asyncio.gather(*map(log.append, parts))
        rate = len(together) / (time.perf_counter() - begun)
        figures.append({"batch": size, **_spread(took), "a_second": round(rate)})
    await log.close()
    return figures


def _event(name: str) -> Event:
    attributes = {"note": "as a storefront sends it"}
    return Event(name, "click", time.time(), "search", "client", "session", "bench", "red kettle",
                 "product-1", 3, attributes=attributes)  # fmt: skip


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    low, high = np.percentile(np.array(seconds) * 1000, (50, 99)).tolist()
    return {"p50": round(low, 3), "p99": round(high, 3)}


def event_log_table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = [
        f"| {name} | {result[key]['p50']} | {result[key]['p99']} |"
        for name, key in (
            ("logging one search", "logging_ms"),
            ("answer, not logged", "answer_ms"),
            ("answer, logged", "answer_logged_ms"),
        )
    ]
    batches = [
        f"| {each['batch']} | {each['p50']} | {each['p99']} | {each['a_second']} |"
        for each in result["events"]
    ]
    return "\n".join(
        [
            f"{result['searches']} searches, {result['bytes_a_search']} bytes each in the log, "
            f"model {result['model'] or 'none'}",
            "",
            "| ms | p50 | p99 |",
            "|---|---|---|",
            *rows,
            "",
            "| events in a batch | ms p50 | ms p99 | events/s, all at once |",
            "|---|---|---|---|",
            *batches,
        ]
    )
