"""What of a topic cannot be used is set aside, named with its reason, and can be read again; what
refuses for a while is waited for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from api.following.gauges import Gauges
from api.following.running import Asked, follow
from indexer.live import LiveWriter
from search.errors import BadInput, StorageFailed
from search.types import Applied
from tests.api.following.flow import (
    SHOP,
    Topic,
    catalogue,
    drain,
    following,
    index,
    make_topic,
    patch,
    reference,
    rejects,
    settings_of,
    upsert,
)
from tests.engines.kafka import KafkaBroker

pytestmark = pytest.mark.kafka


@pytest.fixture
async def topic(kafka: KafkaBroker) -> Topic:
    return await make_topic(kafka)


async def test_what_cannot_be_used_is_set_aside_and_holds_nothing_up(
    topic: Topic, kafka: KafkaBroker, fast_path: Path
) -> None:
    index(fast_path)
    letters = await make_topic(kafka)
    bad: list[tuple[bytes | None, bytes | None]] = [
        (b"a", b'{"op":"upsert",'),
        (b"b", b"\xff\xfe"),
        (b"c", b"[1,2]"),
        (b"d", orjson.dumps(upsert("d", colour="red"))),
        (b"e", orjson.dumps(upsert("e", description="x" * 3_000))),
        (b"f", orjson.dumps(patch("p0", price=-1))),
        (b"", None),
        (b"\xff", None),
        (b"h", b'{"op":"merge","id":"h"}'),
        (b"", b""),
    ]
    good = [(b"ok", orjson.dumps(upsert("ok"))), (b"p1", None)]  # the latter deletes
    await topic.send_raw(good[0], *bad, good[1])
    one = await drain(fast_path, topic, letters=letters.name, record_bytes=2_000)
    assert catalogue(fast_path) == reference([upsert("ok"), {"op": "delete", "id": "p1"}], SHOP)
    lines = rejects(fast_path)
    assert [(line["partition"], line["offset"]) for line in lines] == [
        (0, number) for number in range(1, 11)
    ]
    assert {line["field"] for line in lines} >= {"record", "key", "product.colour", "op"}
    assert all(line["reason"] and line["remedy"] for line in lines)
    assert lines[4]["reason"].startswith("is too large")
    assert len(one.told("rejected")) == 10
    assert await _letters(letters, 10) == [
        (str(line["offset"]), value) for line, (_, value) in zip(lines, bad, strict=True)
    ]
    assert (await drain(fast_path, topic)).told("rejected") == []


async def test_a_patch_of_no_product_is_set_aside_and_can_be_read_again(
    topic: Topic, kafka: KafkaBroker, fast_path: Path
) -> None:
    index(fast_path)
    letters = await make_topic(kafka)
    await topic.send(
        patch("p0", price=1.0), patch("late", price=2.0), {"op": "delete", "id": "p1"},
        patch("p1", price=3.0), upsert("new"), patch("new", price=4.0),
    )  # fmt: skip
    await drain(fast_path, topic, letters=letters.name)
    expected = reference(
        [patch("p0", price=1.0), {"op": "delete", "id": "p1"}, upsert("new", price=4.0)], SHOP
    )
    assert catalogue(fast_path) == expected
    lines = rejects(fast_path)
    assert [(line["offset"], line["key"], line["field"]) for line in lines] == [
        (1, "late", "id"), (3, "p1", "id")
    ]  # fmt: skip
    assert lines[0]["reason"] == "there is no product 'late' to patch"
    assert [offset for offset, _ in await _letters(letters, 2)] == ["1", "3"]
    # The product comes after all, and its dead letter is read again.
    await topic.send(upsert("late", "late lamp"))
    await drain(fast_path, topic)
    again = await drain(fast_path, letters)
    assert catalogue(fast_path)["late"].price == 2.0
    assert [line["key"] for line in again.told("rejected")] == ["p1"]


def test_a_topic_is_not_its_own_of_dead_letters(fast_path: Path) -> None:
    index(fast_path)
    settings = settings_of(fast_path, dead_letters="changes")
    with pytest.raises(BadInput, match="dead_letters is the topic that is followed"):
        follow(settings, Asked("kafka://127.0.0.1:9/changes"), lambda *_, **__: None)


async def _letters(topic: Topic, count: int) -> list[tuple[str, bytes | None]]:
    """The offsets that dead letters name, with their values."""
    consumer = AIOKafkaConsumer(bootstrap_servers=topic.kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic.name, 0)])
        found = [await asyncio.wait_for(consumer.getone(), 10) for _ in range(count)]
        return [(dict(one.headers)["aisle-offset"].decode(), one.value) for one in found]
    finally:
        await consumer.stop()


class NotLetIn(BadInput):
    """Bad input, but not of a change."""


class Refusing:
    """A writer that cannot take one product; its server, then its disk, refuse at first."""

    def __init__(self, data: Path) -> None:
        self._writer = LiveWriter(settings_of(data))
        self.positions, self.unknown = self._writer.positions, self._writer.unknown
        self.full = 2
        self.gauges: Gauges | None = None

    def apply(self, changes: Any, reading: Any) -> Applied:
        if changes and self.full:
            self.full -= 1
            if self.gauges is not None:
                assert time.monotonic() - self.gauges.beat < 5.0  # it lives, though nothing moves
                self.gauges.beat -= 100.0
            if self.full:
                raise NotLetIn("the search server lets Aisle in no more; mend its password")
            raise StorageFailed("cannot write: the disk is full; free some space")
        for change in changes:
            if change.product.id == "k6":
                raise BadInput("product 'k6': price: cannot be that", field="price")
        return self._writer.apply(changes, reading)


async def test_a_change_that_cannot_be_made_is_found_among_others_and_what_is_away_waited_for(
    topic: Topic, fast_path: Path
) -> None:
    index(fast_path)
    await topic.send(*(upsert(f"k{number}") for number in range(12)))
    writer = Refusing(fast_path)
    async with following(fast_path, topic, writer=writer, until_end=True) as one:
        writer.gauges = one.follower.gauges
    assert set(catalogue(fast_path)) == {*SHOP, *(f"k{n}" for n in range(12) if n != 6)}
    assert [(line["offset"], line["field"]) for line in rejects(fast_path)] == [(6, "price")]
    reasons = [event["reason"] for event in one.told("waiting")]
    assert [reason.partition(";")[2] for reason in reasons] == [
        " mend its password", " free some space"
    ]  # fmt: skip
    assert len(one.told("resumed")) == 1
