"""The event log on a real Kafka broker that is killed, paused and pulled from."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from search.errors import BadInput, StorageFailed
from tests.engines.kafka import PASSWORD, USER, KafkaBroker
from tests.training.events.made import event, ids, logged, start
from training.events.broker import Broker
from training.events.compaction import compact
from training.events.frames import Kind, parse_frame
from training.events.kafka import KafkaEventLog
from training.events.layout import LogLayout
from training.events.manifest import read_manifest
from training.events.pulling import Pulled, pull
from training.events.tables import open_tables

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(kafka: KafkaBroker) -> Broker:
    name = uuid4().hex
    return Broker(kafka.servers, f"e-{name}", f"s-{name}", timeout=20.0)


@pytest.fixture
async def log(broker: Broker) -> AsyncIterator[KafkaEventLog]:
    log = KafkaEventLog(broker)
    yield log
    await log.close()


async def pulled(data: Path, broker: Broker, group: str = "aisle") -> Pulled:
    return await asyncio.to_thread(pull, data, broker, group=group)


async def records(broker: Broker, topic: str) -> dict[int, list[tuple[Kind, bytes]]]:
    """The frames of each partition, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in range(3)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        found: dict[int, list[tuple[Kind, bytes]]] = {}
        for part in parts:
            while await consumer.position(part) < ends[part]:
                frame = parse_frame((await consumer.getone(part)).value)
                assert frame is not None
                found.setdefault(part.partition, []).append(frame)
        return found
    finally:
        await consumer.stop()


@asynccontextmanager
async def administration(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def test_what_one_shopper_does_stays_in_order(broker: Broker, log: KafkaEventLog) -> None:
    shoppers = [f"shopper{number}" for number in range(8)]
    for step in range(5):
        await log.append([event(f"{name}-{step}", client=name) for name in shoppers])
    found = await records(broker, broker.events_topic)
    assert len(found) > 1  # the shoppers are spread over partitions
    seen = {
        part: [line.split(b'"', 4)[3].decode() for _, rows in frames for line in rows.splitlines()]
        for part, frames in found.items()
    }
    for name in shoppers:
        (mine,) = [s for names in seen.values() if (s := [n for n in names if n.startswith(name)])]
        assert mine == [f"{name}-{step}" for step in range(5)]


async def test_a_killed_broker_loses_nothing_that_was_acknowledged(
    broker: Broker, kafka: KafkaBroker, tmp_path: Path
) -> None:
    log = KafkaEventLog(replace(broker, timeout=2.0))
    await log.append([event("first")])
    acknowledged, refused = ["first"], []

    async def client(name: str) -> None:
        for number in range(1_000):
            batch = [f"{name}-{number}-{k}" for k in range(3)]
            try:
                await log.append([event(one, client=name) for one in batch])
            except StorageFailed:
                refused.append(batch)
                return
            acknowledged.extend(batch)

    clients = [asyncio.create_task(client(f"c{number}")) for number in range(4)]
    while len(acknowledged) < 100:  # noqa: ASYNC110 - many clients add to it
        await asyncio.sleep(0.005)
    log.search(logged("waits for the broker to come back"))
    kafka.kill()
    try:
        await asyncio.wait_for(asyncio.gather(*clients), 15.0)
    finally:
        kafka.start()
    assert len(refused) == 4
    for batch in refused:  # the shop sends them again
        await again(log, batch)
    await log.close()
    assert log.dropped == 0
    await pulled(tmp_path, broker)
    expected = {*acknowledged, *(name for batch in refused for name in batch)}
    assert set(ids(tmp_path)) == expected
    assert len(ids(tmp_path)) == len(expected)
    with open_tables([tmp_path], threads=1) as tables:
        assert tables.execute("SELECT count(*) FROM searches").fetchone() == (1,)


async def again(log: KafkaEventLog, batch: list[str]) -> None:
    for _ in range(20):
        try:
            await log.append([event(name) for name in batch])
        except StorageFailed:
            await asyncio.sleep(0.2)
        else:
            return
    raise AssertionError("the log does not find the broker that came back")


async def test_a_broker_that_keeps_silent_is_waited_for_no_longer_than_allowed(
    broker: Broker, kafka: KafkaBroker, tmp_path: Path
) -> None:
    log = KafkaEventLog(replace(broker, timeout=1.0))
    await again(log, ["before"])
    kafka.pause()
    try:
        started = time.monotonic()
        answers = await asyncio.gather(
            *(log.append([event("silent"), event("silent")]) for _ in range(3)),
            return_exceptions=True,
        )
        assert 0.9 < time.monotonic() - started < 4.0
        assert all(isinstance(answer, StorageFailed) for answer in answers)
        assert "did not answer within 1 s" in str(answers[0])
        with pytest.raises(StorageFailed):
            await KafkaEventLog(replace(broker, timeout=0.5)).append([event("new")])
        with pytest.raises(StorageFailed, match=r"did not answer|cannot be reached"):
            await pulled(tmp_path, replace(broker, timeout=0.5))
    finally:
        kafka.resume()
    await again(log, ["silent", "after"])
    await log.close()
    await pulled(tmp_path, broker)
    assert set(ids(tmp_path)) - {"new"} == {"before", "silent", "after"}


async def test_closing_ends_though_the_broker_is_away(broker: Broker, kafka: KafkaBroker) -> None:
    log = KafkaEventLog(replace(broker, timeout=1.0))
    await again(log, ["a"])
    kafka.pause()
    try:
        log.search(logged("q"))
        started = time.monotonic()
        await log.close()
        assert time.monotonic() - started < 8.0
        assert log.dropped == 1
    finally:
        kafka.resume()


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


async def test_a_cluster_without_the_topics_is_refused(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no topic e-"):
        await pulled(tmp_path, broker)


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


async def test_brokers_that_ask_for_tls_a_certificate_and_a_password(
    broker: Broker, kafka: KafkaBroker, tmp_path: Path
) -> None:
    secure = replace(
        broker,
        servers=kafka.secure_servers,
        security="SASL_SSL",
        ca_file=kafka.certificate,
        certificate_file=kafka.certificate,
        key_file=kafka.key,
        username=USER,
        password=PASSWORD,
    )
    log = KafkaEventLog(secure)
    await log.append([event("a")])
    await log.close()
    assert (await pulled(tmp_path, secure)).rows["events"] == 1
    for wrong in (
        replace(secure, password="guessed"),
        replace(secure, ca_file=None),  # the system knows no such authority
        replace(secure, certificate_file=None, key_file=None),
        replace(secure, security="PLAINTEXT", timeout=1.0),
    ):
        stranger = KafkaEventLog(wrong)
        with pytest.raises(StorageFailed, match=r"security|did not answer") as caught:
            await stranger.append([event("b")])
        assert "guessed" not in str(caught.value)
        await stranger.close()


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
