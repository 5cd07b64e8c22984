"""Pulling events from a real Kafka broker into files: killed at any step, cut short, refused."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from search.errors import BadInput, StorageFailed
from tests.training.events.kafka_log import broker, log, pulled, records
from tests.training.events.made import event, ids, logged, start
from training.events.broker import Broker
from training.events.compaction import compact
from training.events.kafka import KafkaEventLog
from training.events.layout import LogLayout
from training.events.manifest import read_manifest
from training.events.pulling import pull
from training.events.tables import open_tables

__all__ = ["broker", "log"]

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def administration(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def test_a_pull_goes_on_where_the_last_one_ended(
    broker: Broker, log: KafkaEventLog, tmp_path: Path
) -> None:
    await log.append([event("a"), event("b", client="other")])
    first = await pulled(tmp_path, broker)
    assert (first.records, first.rows["events"], first.lag) == (2, 2, 0)
    await log.append([event("c")])
    second = await pulled(tmp_path, broker)
    assert (second.records, second.rows["events"], second.duplicates) == (1, 1, 0)
    assert (await pulled(tmp_path, broker)).records == 0
    compact(tmp_path)
    assert (await pulled(tmp_path, broker)).records == 0  # the compacted log knows the offsets too
    assert ids(tmp_path) == ["a", "b", "c"]
    assert await committed(broker) == 3


async def committed(broker: Broker, group: str = "aisle") -> int:
    """What the group has of the events' topic, as Kafka's own tools see it."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.servers, group_id=group)
    await consumer.start()
    try:
        parts = [TopicPartition(broker.events_topic, number) for number in range(3)]
        return sum([await consumer.committed(part) or 0 for part in parts])
    finally:
        await consumer.stop()


_KILLED = """
import os, signal, sys
from pathlib import Path
from training.events import pulling, storing
from training.events.broker import Broker

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

setattr({"storing": storing, "pulling": pulling}[sys.argv[5]], sys.argv[6], die)
pulling.pull(Path(sys.argv[1]), Broker(sys.argv[2], sys.argv[3], sys.argv[4], timeout=20.0))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "name", "kept"),
    [("storing", "write_days", False), ("storing", "write_manifest", False),
     ("pulling", "_commit", True)],
)  # fmt: skip
async def test_a_pull_killed_at_any_step_neither_loses_nor_doubles(
    broker: Broker, log: KafkaEventLog, tmp_path: Path, place: str, name: str, kept: bool
) -> None:
    await log.append([event("a"), event("b", client="other")])
    await log.append([event("a", client="c2"), event("c", client="c2")])
    process = start(
        _KILLED, tmp_path, broker.servers, broker.events_topic, broker.searches_topic, place, name
    )
    assert await asyncio.to_thread(process.wait, 60) == -signal.SIGKILL
    process.communicate()
    layout = LogLayout.of(tmp_path)
    assert sum(file.rows for file in read_manifest(layout).of("events")) == (3 if kept else 0)
    after = await pulled(tmp_path, broker)
    assert after.rows["events"] == (0 if kept else 3)
    assert ids(tmp_path) == ["a", "b", "c"]
    named = {layout.root / file.path for file in read_manifest(layout).files}
    assert set(layout.root.rglob("*.parquet")) == named  # no leftovers


async def test_many_records_are_taken_in_steps(
    broker: Broker, log: KafkaEventLog, tmp_path: Path
) -> None:
    for number in range(6):
        await log.append([event(f"{number}-{k}", client=f"{k}") for k in range(20)])
    told: list[tuple[int, int | None]] = []

    def progress(_: str, done: int, total: int | None) -> None:
        told.append((done, total))

    done = await asyncio.to_thread(lambda: pull(tmp_path, broker, step_bytes=1, progress=progress))
    assert done.rows["events"] == 120
    assert told[-1] == (done.records, done.records)
    assert len(ids(tmp_path)) == 120


async def test_what_others_wrote_to_a_topic_is_set_aside(
    broker: Broker, log: KafkaEventLog, tmp_path: Path
) -> None:
    await log.append([event("a")])
    other = AIOKafkaProducer(bootstrap_servers=broker.servers)
    await other.start()
    for value in (b"not ours", None, b"\xa1EV1"):
        await other.send_and_wait(broker.events_topic, value, key=b"k", partition=0)
    await other.stop()
    await log.append([event("b")])
    done = await pulled(tmp_path, broker)
    assert (done.records, done.corrupt, done.lag) == (5, 12, 0)
    assert ids(tmp_path) == ["a", "b"]
    kept = {path.read_bytes() for path in LogLayout.of(tmp_path).damaged.glob("*.bin")}
    assert kept == {b"not ours", b"", b"\xa1EV1"}


async def test_records_deleted_before_they_were_pulled_are_told(
    broker: Broker, log: KafkaEventLog, tmp_path: Path
) -> None:
    await log.append([event("a")])
    await pulled(tmp_path, broker)
    for name in ("b", "c", "d"):
        await log.append([event(name)])
    (part,) = await records(broker, broker.events_topic)
    place = TopicPartition(broker.events_topic, part)
    async with administration(broker) as admin:
        await admin.delete_records({place: RecordsToDelete(before_offset=3)})
    done = await pulled(tmp_path, broker)
    assert (done.expired, done.records) == (2, 1)
    assert ids(tmp_path) == ["a", "d"]


async def test_two_directories_have_all_of_it_each(
    broker: Broker, log: KafkaEventLog, tmp_path: Path
) -> None:
    await log.append([event("a")])
    both = await asyncio.gather(
        pulled(tmp_path / "one", broker), pulled(tmp_path / "two", broker),
        pulled(tmp_path / "one", broker),
    )  # fmt: skip
    assert sum(done.rows["events"] for done in both) == 2
    assert ids(tmp_path / "one") == ids(tmp_path / "two") == ["a"]


async def test_a_record_that_is_refused_stops_none_that_come_after(
    broker: Broker, tmp_path: Path
) -> None:
    small = {"max.message.bytes": "3000"}
    async with administration(broker) as admin:
        topics = (broker.events_topic, broker.searches_topic)
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=small) for name in topics])
    log = KafkaEventLog(broker)
    noise = "".join(f"{number * 7919 % 65_537:04x}" for number in range(2_000))
    await log.append([event("a")])
    with pytest.raises(StorageFailed, match=r"raise message.max.bytes"):
        await log.append([event("too long", message=noise)])
    await log.append([event("b")])
    with pytest.raises(BadInput, match=r"event endless has .* lower \[events\] event_bytes"):
        await log.append([event("endless", message="x" * 1_000_000)])
    log.search(logged("too long", attributes={"noise": noise}))
    while log.waiting:  # noqa: ASYNC110 - another thread sends it
        await asyncio.sleep(0.05)
    log.search(logged("short"))
    await log.close()
    assert log.dropped == 1
    done = await pulled(tmp_path, broker)
    assert (done.rows["events"], done.rows["searches"]) == (2, 1)
    with open_tables([tmp_path], threads=1) as tables:
        assert tables.execute("SELECT search_id FROM searches").fetchall() == [("short",)]


async def test_a_topic_made_anew_is_read_from_its_beginning(broker: Broker, tmp_path: Path) -> None:
    for names in (["a", "b", "c"], ["d"]):
        log = KafkaEventLog(broker)
        for name in names:
            await log.append([event(name)])
        await log.close()
        await pulled(tmp_path, broker)
        async with administration(broker) as admin:
            await admin.delete_topics([broker.events_topic])
            while broker.events_topic in await admin.list_topics():  # noqa: ASYNC110 - the broker's
                await asyncio.sleep(0.05)
    assert ids(tmp_path) == ["a", "b", "c", "d"]
