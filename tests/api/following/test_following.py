"""An index that follows a topic on a real broker: what is sent, is in it, once, and soon."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete

from api.following.running import Asked
from indexer.merge import fold
from search.engines.local.changes import read_batches
from search.engines.local.layout import read_current
from search.engines.local.live import read_state
from search.errors import BadInput, IndexMissing, StorageFailed
from search.types import Product
from tests.api.following.flow import (
    SHOP,
    Topic,
    administration,
    catalogue,
    drain,
    following,
    index,
    make_topic,
    patch,
    reference,
    rejects,
    settings_of,
    start,
    upsert,
)
from tests.engines.kafka import KafkaBroker

pytestmark = pytest.mark.kafka
COUNT = 4_000


@pytest.fixture
async def topic(kafka: KafkaBroker) -> Topic:
    return await make_topic(kafka)


async def test_changes_are_applied_in_order_and_none_twice(topic: Topic, fast_path: Path) -> None:
    index(fast_path)
    changes = [
        upsert("new", price=3.0), patch("new", price=4.0), patch("p0", brand="Norrvik"),
        {"op": "delete", "id": "p1"}, {"op": "delete", "id": "nobody"}, upsert("p1", "green vase"),
    ]  # fmt: skip
    await topic.send(*changes)
    first = await drain(fast_path, topic)
    assert catalogue(fast_path) == reference(changes, SHOP)
    assert first.follower.totals["records"] == 6
    again = await drain(fast_path, topic)
    assert again.follower.totals["records"] == 0
    assert catalogue(fast_path) == reference(changes, SHOP)


async def test_records_are_read_whatever_they_are_compressed_with_once_they_are_committed(
    topic: Topic, fast_path: Path
) -> None:
    index(fast_path)
    codecs = ("gzip", "snappy", "lz4", "zstd")
    for codec in codecs:
        async with topic.producer(compression_type=codec) as producer:
            await producer.send(topic.name, orjson.dumps(upsert(codec)), b"k")
    async with topic.producer(transactional_id=topic.name) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, orjson.dumps(upsert("withdrawn")), b"k")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(topic.name, orjson.dumps(upsert("committed")), b"k")
    await drain(fast_path, topic)
    assert set(catalogue(fast_path)) == {*SHOP, *codecs, "committed"}


@pytest.mark.slow
async def test_killed_at_any_moment_it_goes_on_where_the_index_is(
    kafka: KafkaBroker, fast_path: Path
) -> None:
    topic = await make_topic(kafka, 3)
    index(fast_path)
    rng = random.Random(8)
    changes = [_change(rng, number) for number in range(COUNT)]
    bad = [number for number in range(COUNT) if number % 300 == 77]

    async def produce() -> None:
        async with topic.producer() as producer:
            for number, change in enumerate(changes):
                key = (change.get("id") or change["product"]["id"]).encode()
                if number in bad:
                    await producer.send(topic.name, b'{"op":"upsert", torn', key)
                await producer.send(topic.name, orjson.dumps(change), key)
                if number % 40 == 0:
                    await asyncio.sleep(0.02)

    producing = asyncio.create_task(produce())
    kills = 0
    while not producing.done():
        process = start(fast_path, Asked(topic.url), batch_changes=40, linger_seconds=0.0)
        await asyncio.sleep(rng.uniform(0.15, 0.7))
        process.kill()
        await asyncio.to_thread(process.join)
        kills += process.exitcode == -9
    await producing
    await drain(fast_path, topic, batch_changes=40)
    assert kills >= 5
    assert catalogue(fast_path) == reference(changes, SHOP)
    assert _entries(fast_path) == _effective(changes)  # each was applied once, not merely at last
    set_aside = [(line["partition"], line["offset"]) for line in rejects(fast_path)]
    assert len(set_aside) == len(set(set_aside)) == len(bad) + _patching_nothing(changes)


def _change(rng: random.Random, number: int) -> dict[str, Any]:
    name = f"k{number % 300}"  # so far apart that no batch has one product twice
    kind = rng.random()
    if kind < 0.5 or number < 300:
        return upsert(name, f"lamp {number}", price=float(number))
    if kind < 0.9:
        return patch(name, stock=number)
    return {"op": "delete", "id": name}


def _effective(changes: list[dict[str, Any]]) -> int:
    """How many of the changes find something to change."""
    there, count = set(SHOP), 0
    for change in changes:
        if change["op"] == "upsert":
            there.add(change["product"]["id"])
        elif change["id"] not in there:
            continue
        elif change["op"] == "delete":
            there.discard(change["id"])
        count += 1
    return count


def _patching_nothing(changes: list[dict[str, Any]]) -> int:
    """How many of the changes patch what is not there."""
    there, count = set(SHOP), 0
    for change in changes:
        if change["op"] == "upsert":
            there.add(change["product"]["id"])
        elif change["op"] == "delete":
            there.discard(change["id"])
        else:
            count += change["id"] not in there
    return count


def _entries(data: Path) -> int:
    live = data / "live" / read_current(data)
    return sum(
        len(batch.entries)
        for batch in read_batches(live / "changes.log", 0, read_state(live).offset)
    )


async def test_a_change_is_visible_within_a_second_and_gauges_say_so(
    topic: Topic, fast_path: Path
) -> None:
    index(fast_path)
    async with following(fast_path, topic, linger_seconds=0.2) as one:
        await one.until(lambda: bool(one.told("following")))
        for number in range(3):
            await topic.send(upsert(f"k{number}"))
            await one.records(number + 1)
        await one.until(lambda: one.follower.gauges.positions != {})
        registry = one.follower.gauges.registry
        assert registry.get_sample_value("aisle_catalogue_visible_seconds_count") == 3
        within = registry.get_sample_value("aisle_catalogue_visible_seconds_bucket", {"le": "1.0"})
        assert within == 3
        await asyncio.sleep(0.8)  # idle, it goes on saying that all is up to date
        live = fast_path / "live" / read_current(fast_path)
        (at,) = read_state(live).positions.values()
        assert time.time() - at.time < 0.8
        assert (at.offset, at.behind) == (3, 0)


@pytest.mark.slow
async def test_a_broker_that_is_paused_or_killed_is_waited_for(
    topic: Topic, kafka: KafkaBroker, fast_path: Path
) -> None:
    index(fast_path)
    await topic.send(upsert("before"))
    async with following(fast_path, topic, broker=topic.broker(1.0)) as one:
        await one.records(1)
        kafka.pause()
        try:
            await one.until(lambda: len(one.told("waiting")) == 1)
            assert one.follower.gauges.health()[0] == 200
            assert b"does not answer" in one.follower.gauges.health()[1]
        finally:
            kafka.resume()
        await one.until(lambda: len(one.told("resumed")) == 1)
        await topic.send(upsert("paused"))
        await one.records(2)
        kafka.kill()
        try:
            await one.until(lambda: len(one.told("waiting")) == 2)
        finally:
            kafka.start()
        await topic.send(upsert("killed"))
        await one.records(3)
        await one.until(lambda: len(one.told("resumed")) == 2)
    assert set(catalogue(fast_path)) == {*SHOP, "before", "paused", "killed"}


async def test_new_partitions_are_read_from_their_beginning_and_a_group_takes_none_away(
    topic: Topic, kafka: KafkaBroker, fast_path: Path
) -> None:
    index(fast_path)
    await topic.send(upsert("old"))
    stranger = AIOKafkaConsumer(
        topic.name, bootstrap_servers=kafka.servers, group_id=f"g-{topic.name}"
    )
    async with following(fast_path, topic, metadata_seconds=0.3, since=float("inf")) as one:
        await one.until(lambda: bool(one.told("following")))
        await stranger.start()  # somebody joins the group, and is given all of its partitions
        async with administration(kafka) as admin:
            await admin.create_partitions({topic.name: NewPartitions(3)})
        async with topic.producer() as producer:
            for number in range(3):
                change = orjson.dumps(upsert(f"in{number}"))
                while number >= len(await producer.partitions_for(topic.name)):
                    await producer.client.force_metadata_update()
                await producer.send(topic.name, change, partition=number)
        await one.records(3)
        await stranger.stop()
    assert set(catalogue(fast_path)) == {*SHOP, "in0", "in1", "in2"}  # old came before the end


@pytest.mark.slow
async def test_another_follower_stands_by_and_takes_over(topic: Topic, fast_path: Path) -> None:
    index(fast_path)
    first = start(fast_path, Asked(topic.url))
    await topic.send(upsert("one"))
    await _until_there(fast_path, "one")
    second = start(fast_path, Asked(topic.url))
    first.kill()
    await asyncio.to_thread(first.join)
    await topic.send(upsert("two"))
    await _until_there(fast_path, "two")
    second.terminate()
    await asyncio.to_thread(second.join)
    assert second.exitcode == 0
    assert _entries(fast_path) == 2


async def _until_there(data: Path, name: str) -> None:
    async with asyncio.timeout(15):
        while name not in catalogue(data):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_two_that_follow_at_once_apply_nothing_twice(topic: Topic, fast_path: Path) -> None:
    """As on two machines that share a folder without locks."""
    index(fast_path)
    async with following(fast_path, topic) as one, following(fast_path, topic) as other:
        for number in range(40):
            await topic.send(upsert(f"k{number}"))
        await one.until(lambda: sum(len(o.told("applied")) for o in (one, other)) > 0)
        await one.until(lambda: set(catalogue(fast_path)) >= {f"k{n}" for n in range(40)})
    assert _entries(fast_path) == 40


async def test_a_fold_and_a_full_index_go_on_with_the_stream(topic: Topic, fast_path: Path) -> None:
    index(fast_path)
    async with following(fast_path, topic) as one:
        await topic.send(upsert("one"))
        await one.records(1)
        await asyncio.to_thread(fold, settings_of(fast_path))
        await topic.send(upsert("two"))
        await one.records(2)
        # A full index of a file without them: what came before it began is the file's business.
        await asyncio.to_thread(index, fast_path)
        await topic.send(upsert("three"))
        await one.records(3)
        assert set(catalogue(fast_path)) == {*SHOP, "three"}
        # The same, of a file that says when it was written.
        await asyncio.to_thread(index, fast_path, SHOP, time.time() - 3_600)
        await one.until(lambda: len(catalogue(fast_path)) == len(SHOP) + 3)
        assert one.told("moved")
    assert set(catalogue(fast_path)) == {*SHOP, "one", "two", "three"}


async def test_what_retention_deleted_is_told_and_a_topic_made_anew_is_read_from_its_beginning(
    topic: Topic, kafka: KafkaBroker, fast_path: Path
) -> None:
    index(fast_path)
    await topic.send(upsert("a"), upsert("b"))
    await drain(fast_path, topic)
    await topic.send(upsert("c"), upsert("d"), upsert("e"))
    async with administration(kafka) as admin:
        await admin.delete_records({TopicPartition(topic.name, 0): RecordsToDelete(4)})
    (lost,) = (await drain(fast_path, topic)).told("lost")
    assert (lost["records"], lost["anew"]) == (2, False)
    assert set(catalogue(fast_path)) == {*SHOP, "a", "b", "e"}
    async with administration(kafka) as admin:
        await admin.delete_topics([topic.name])
        while topic.name in await admin.list_topics():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    with pytest.raises(BadInput, match=f"has no topic {topic.name}; create it"):
        await drain(fast_path, topic)
    await topic.send(upsert("anew"))  # the broker makes it
    (lost,) = (await drain(fast_path, topic)).told("lost")
    assert lost["anew"]
    assert "anew" in catalogue(fast_path)


async def test_what_cannot_begin_is_refused(topic: Topic, tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        await drain(tmp_path, topic)
    index(tmp_path, {"a": Product("a", "b")})
    nowhere = topic.broker(1.0)
    with pytest.raises(StorageFailed, match="cannot be reached"):
        async with following(tmp_path, topic, broker=_at(nowhere, "127.0.0.1:9"), until_end=True):
            pass


def _at(broker: Any, servers: str) -> Any:
    from dataclasses import replace

    return replace(broker, servers=servers)
