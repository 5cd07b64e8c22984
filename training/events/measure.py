"""How fast the event log is on this machine: `python -m training.events.measure [FOLDER]`.

Says events a second for reading UBI, for keeping them durably (one and eight clients at once),
for compacting them and for finding bots among them.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from search.types import Event
from training.events import Rules, parse_events
from training.events.compaction import compact
from training.events.file_log import FileEventLog
from training.events.fraud import flag
from training.events.tables import open_tables

_SECONDS = 3.0
_COUNT = 200_000


def records(count: int, now: float) -> list[dict[str, Any]]:
    """UBI events as a storefront sends them: pages of 20 impressions."""
    stamp = datetime.fromtimestamp(now, UTC).isoformat()
    return [
        {
            "event_id": f"event-{n:012}",
            "action_name": "click" if n % 20 == 7 else "impression",
            "timestamp": stamp,
            "query_id": f"search-{n // 20:012}",
            "client_id": f"client-{n // 200}",
            "session_id": f"session-{n // 200}",
            "application": "shop",
            "user_query": f"query {n // 20 % 1000}",
            "event_attributes": {
                "object": {"object_id": f"product-{n % 997}", "object_id_field": "sku"},
                "position": {"ordinal": n % 20 + 1},
            },
        }
        for n in range(count)
    ]


async def append(folder: Path, events: Sequence[Event], clients: int, batch: int) -> str:
    """Keeps events for some seconds, each client one batch after the other."""
    log = FileEventLog(folder)
    waits: list[float] = []
    until = time.perf_counter() + _SECONDS
    batches = iter([events[n : n + batch] for n in range(0, len(events), batch)])

    async def client() -> None:
        for events_of_one in batches:
            start = time.perf_counter()
            await log.append(events_of_one)
            waits.append(time.perf_counter() - start)
            if waits[-1] + start > until:
                return

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    rate = len(waits) * batch / (time.perf_counter() - start)
    await log.close()
    return f"{rate:>10,.0f} events/s, median {sorted(waits)[len(waits) // 2] * 1e3:.2f} ms"


def _timed(count: int, work: Callable[[], object]) -> str:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (
        f"{count / (time.perf_counter() - wall):>10,.0f} events/s, "
        f"{count / (time.process_time() - cpu):,.0f} a second of one core"
    )


def measure(folder: Path) -> None:
    """Prints each figure as soon as it is known."""
    now = time.time()
    given = records(_COUNT, now)
    _say(f"parse {_COUNT:,}", _timed(_COUNT, lambda: parse_events(given, Rules(), now)))
    events = parse_events(given, Rules(), now).events
    for number, (clients, batch) in enumerate([(1, 1), (8, 1), (1, 20), (8, 20)]):
        rate = asyncio.run(append(folder / str(number), events, clients, batch))
        _say(f"append: {clients} clients, batches of {batch}", rate)
    whole = folder / "whole"
    asyncio.run(append(whole, events, 8, 2000))
    with open_tables([whole]) as tables:
        kept = int(tables.execute("SELECT count(*) FROM events").fetchall()[0][0])
    _say(f"compact {kept:,}", _timed(kept, lambda: compact(whole)))
    with open_tables([whole]) as tables:
        _say("find bots", _timed(kept, lambda: flag(tables)))


def _say(what: str, rate: str) -> None:
    sys.stdout.write(f"{what:<34} {rate}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        measure(Path(place))
