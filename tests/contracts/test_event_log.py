"""What every event log must do: on files, and on a real Kafka broker."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from search.errors import StorageFailed
from search.types import LoggedSearch
from tests.engines.kafka import KafkaBroker
from tests.engines.processes import HOST, free_ports
from tests.training.events.made import event, ids, logged
from training.events import Quarantined, Receipt
from training.events.broker import Broker
from training.events.file_log import FileEventLog
from training.events.kafka import KafkaEventLog
from training.events.pulling import pull
from training.events.rotation import LogLimits
from training.events.tables import open_tables


@dataclass(frozen=True)
class Place:
    """Where logs write: a data directory, and for Kafka a broker between."""

    data: Path
    broker: Broker | None = None

    def open(self, limits: LogLimits | None = None) -> FileEventLog | KafkaEventLog:
        if self.broker is None:
            return FileEventLog(self.data, limits)
        return KafkaEventLog(self.broker, limits)

    def ids(self) -> list[str]:
        self.read()
        return ids(self.data)

    def searches(self) -> list[str]:
        self.read()
        with open_tables([self.data], threads=1) as tables:
            found = tables.execute("SELECT search_id FROM searches ORDER BY 1").fetchall()
        return [name for (name,) in found]

    def read(self) -> None:
        if self.broker is not None:
            pull(self.data, self.broker)

    def gone(self) -> Place:
        """A place whose storage is away."""
        if self.broker is None:
            (self.data / "gone").mkdir()
            (self.data / "gone" / "events").write_text("a file where a directory has to be")
            return Place(self.data / "gone")
        return Place(self.data, Broker(f"{HOST}:{free_ports(1)[0]}", timeout=0.5))


@pytest.fixture(params=["files", pytest.param("kafka", marks=pytest.mark.kafka)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "files":
        yield Place(tmp_path)
        return
    kafka: KafkaBroker = request.getfixturevalue("kafka")
    name = uuid4().hex
    yield Place(tmp_path, Broker(kafka.servers, f"e-{name}", f"s-{name}", timeout=20.0))


async def read(place: Place) -> list[str]:
    return await asyncio.to_thread(place.ids)


async def test_what_was_acknowledged_is_read_before_the_log_is_closed(place: Place) -> None:
    log = place.open()
    assert await log.append([event("a", client="x"), event("b", client="y")]) == Receipt(2)
    assert await read(place) == ["a", "b"]
    await log.close()


async def test_every_field_comes_back(place: Place) -> None:
    log = place.open()
    sent = event("a", query="ü \u2028 \"'", dwell=1.5, value=2.5, attributes={"x": [1, {"y": 2}]})
    apart = Quarantined(3, event("late"), "timestamp", "is old")
    assert await log.append([sent], [apart]) == Receipt(1, quarantined=1)
    log.search(logged("q1", propensities=(0.5, 1.0), teams=("a", "b"), first=11))
    await log.close()
    await asyncio.to_thread(place.read)
    with open_tables([place.data], threads=1) as tables:
        row = tables.execute("SELECT query, dwell, value, attributes FROM events").fetchone()
        assert row == ("ü \u2028 \"'", 1.5, 2.5, '{"x":[1,{"y":2}]}')
        page = tables.execute("SELECT search_id, first, products, propensities FROM searches")
        assert page.fetchone() == ("q1", 11, ["p1", "p2"], [0.5, 1.0])
        kept = tables.execute("SELECT event_id, field, reason FROM quarantined").fetchone()
        assert kept == ("late", "timestamp", "is old")


async def test_a_batch_sent_twice_counts_once(place: Place) -> None:
    log = place.open()
    batch = [event("a"), event("b"), event("a")]
    assert await log.append(batch) == Receipt(3, duplicates=1)
    assert await log.append(batch) == Receipt(3, duplicates=3)
    await log.close()
    other = place.open()  # another process, or this one after a restart, remembers nothing
    await other.append(batch)
    await other.close()
    assert await read(place) == ["a", "b"]
    third = place.open()
    await third.append([event("b"), event("c")])
    await third.close()
    assert await read(place) == ["a", "b", "c"]  # also after the first were read


async def test_when_storage_is_gone_a_batch_is_refused_and_says_what_to_do(place: Place) -> None:
    log = place.gone().open()
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(StorageFailed, match=r"check|free|give|mend|directory"):
            await log.append([event("a")])
    assert time.monotonic() - started < 10
    await log.close()


async def test_a_search_waits_for_nothing_and_too_many_are_dropped_and_counted(
    place: Place,
) -> None:
    log = place.gone().open(LogLimits(waiting=50, linger_seconds=30.0))
    slowest = 0.0
    answers = []
    for number in range(80):
        started = time.monotonic()
        answers.append(log.search(logged(f"q{number}")))
        slowest = max(slowest, time.monotonic() - started)
    assert answers == [True] * 50 + [False] * 30
    assert (log.waiting, log.dropped) == (50, 30)
    assert slowest < 0.2
    await log.close()
    assert log.dropped == 80


async def test_closing_writes_what_waits(place: Place) -> None:
    log = place.open(LogLimits(linger_seconds=30.0, group_searches=20))
    names = [f"q{number:02}" for number in range(50)]
    assert all(log.search(logged(name)) for name in names)
    await log.close()
    assert (log.waiting, log.dropped) == (0, 0)
    assert await asyncio.to_thread(place.searches) == names


async def test_a_search_that_cannot_be_written_stops_nothing(place: Place) -> None:
    log = place.open()
    bad: LoggedSearch = logged("bad", attributes={"x": object()})
    assert log.search(bad)
    assert log.search(logged("good"))
    await log.close()
    assert log.dropped == 1
    assert await asyncio.to_thread(place.searches) == ["good"]


async def test_several_threads_may_write(place: Place) -> None:
    log = place.open()
    receipts: list[Receipt] = []

    def write(name: str) -> None:
        for number in range(10):
            receipts.append(asyncio.run(log.append([event(f"{name}{number}", client=name)])))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await log.close()
    assert sum(receipt.kept for receipt in receipts) == 30
    assert len(await read(place)) == 30


async def test_after_closing_nothing_is_taken(place: Place) -> None:
    log = place.open()
    await log.close()
    with pytest.raises(StorageFailed, match="closed"):
        await log.append([event("a")])
    assert not log.search(logged("q"))
    assert not (place.data / "events").exists()
