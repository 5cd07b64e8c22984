"""A topic of changes, an index that follows it, and what the index must hold in the end."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from api.following.follower import Follower
from api.following.gauges import Gauges
from api.following.rejects import DeadLetters, Rejects
from api.following.running import Asked, follow
from api.following.stream import Stream
from api.kafka_settings import CatalogueSettings
from api.settings import AppSettings
from indexer.build import Products, build_index
from indexer.live import LiveWriter
from indexer.live_index import LiveIndex
from search.engines.local.layout import read_current
from search.settings import MeaningSettings, UnderstandingSettings
from search.types import Product
from tests.engines.kafka import KafkaBroker
from training.events.broker import Broker
from training.events.producer import Producer

SHOP = {f"p{i}": Product(f"p{i}", f"red kettle {i}") for i in range(4)}

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["api.following.running", "aiokafka"])


def quick(**chosen: Any) -> CatalogueSettings:
    """Settings that wait for little."""
    return CatalogueSettings(**{"linger_seconds": 0.05, "heartbeat_seconds": 0.3, **chosen})


def settings_of(data: Path, **chosen: Any) -> AppSettings:
    return AppSettings(
        data=data,
        threads=1,
        meaning=MeaningSettings(encoder="none"),
        understanding=UnderstandingSettings(enabled=False),
        catalogue=quick(**chosen),
    )


def index(data: Path, shop: Mapping[str, Product] = SHOP, since: float | None = None) -> None:
    build_index(Products(shop.values()), settings_of(data), changes_since=since)


def catalogue(data: Path) -> dict[str, Product]:
    """Everything in the index, as a new process finds it."""
    writer = LiveWriter(settings_of(data))
    writer.positions()  # completes what a killed process left
    found = LiveIndex(data, read_current(data))
    found.follow()
    products = [found.product(ordinal) for ordinal in found.alive()]
    assert len({product.id for product in products}) == len(products)
    return {product.id: product for product in products}


def upsert(name: str, title: str = "blue lamp", **fields: Any) -> dict[str, Any]:
    return {"op": "upsert", "product": {"id": name, "title": title, **fields}}


def patch(name: str, **fields: Any) -> dict[str, Any]:
    return {"op": "patch", "id": name, "fields": fields}


@dataclass(slots=True)
class Topic:
    """A topic of its own on the broker of the tests."""

    kafka: KafkaBroker
    name: str
    partitions: int

    @property
    def url(self) -> str:
        return f"kafka://{self.kafka.servers}/{self.name}"

    def broker(self, timeout: float = 20.0) -> Broker:
        return Broker(self.kafka.servers, self.name, self.name, timeout=timeout)

    async def send(self, *changes: dict[str, Any]) -> None:
        """Sends changes, each to its product's partition."""
        async with self.producer() as producer:
            for change in changes:
                name = change.get("id") or change["product"]["id"]
                await producer.send(self.name, orjson.dumps(change), name.encode())

    async def send_raw(self, *records: tuple[bytes | None, bytes | None]) -> None:
        """Sends keys and values into the first partition, as they are."""
        async with self.producer() as producer:
            for key, value in records:
                await producer.send(self.name, value, key, partition=0)

    @asynccontextmanager
    async def producer(self, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka.servers, acks="all", **options)
        await producer.start()
        try:
            yield producer
            await producer.flush()
        finally:
            await producer.stop()


@asynccontextmanager
async def administration(kafka: KafkaBroker) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def make_topic(kafka: KafkaBroker, partitions: int = 1) -> Topic:
    topic = Topic(kafka, f"changes-{uuid4().hex[:12]}", partitions)
    async with administration(kafka) as admin:
        await admin.create_topics([NewTopic(topic.name, partitions, 1)])
        while topic.name not in await admin.list_topics():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return topic


@dataclass(slots=True)
class Following:
    """A follower at work in this process, and what it told."""

    follower: Follower
    stop: asyncio.Event
    events: list[dict[str, Any]] = field(default_factory=list)

    def told(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]

    async def until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def records(self, count: int) -> None:
        """Waits until so many records were taken in."""
        await self.until(lambda: sum(e["records"] for e in self.told("applied")) >= count)


@asynccontextmanager
async def following(
    data: Path,
    topic: Topic,
    *,
    writer: Any = None,
    broker: Broker | None = None,
    letters: str | None = None,
    since: float = 0.0,
    until_end: bool = False,
    metadata_seconds: float = 10.0,
    **chosen: Any,
) -> AsyncIterator[Following]:
    """Follows until the block ends, and then leaves as a signal makes it; what it raises is
    raised here."""
    broker = broker or topic.broker()
    producer = Producer(broker)
    found: list[Following] = []

    def tell(event: str, **facts: Any) -> None:
        found[0].events.append({"event": event, **facts})

    follower = Follower(
        writer or LiveWriter(settings_of(data)),
        Stream(broker, topic.name, f"g-{topic.name}", metadata_seconds),
        Rejects(data / "following" / f"{topic.name}.rejects.jsonl",
                DeadLetters(producer, letters) if letters else None),
        Gauges(),
        tell,
        quick(**chosen),
        since,
        until_end,
    )  # fmt: skip
    one = Following(follower, asyncio.Event())
    found.append(one)
    task = asyncio.create_task(follower.run(one.stop))
    try:
        yield one
        if until_end:
            await asyncio.wait_for(task, 30.0)
    finally:
        one.stop.set()
        await asyncio.wait([task], timeout=30.0)
        await producer.close()
    await task


async def drain(data: Path, topic: Topic, **chosen: Any) -> Following:
    """Follows to the end of what is there."""
    async with following(data, topic, until_end=True, **chosen) as one:
        pass
    return one


def rejects(data: Path) -> list[dict[str, Any]]:
    """What was set aside."""
    paths = (data / "following").glob("*.rejects.jsonl")
    return [orjson.loads(line) for path in paths for line in path.read_bytes().splitlines()]


def _work(data: Path, asked: Asked, chosen: Mapping[str, Any]) -> None:
    follow(settings_of(data, **chosen), asked, lambda *_, **__: None)


def start(data: Path, asked: Asked, **chosen: Any) -> Any:
    """A follower in a process of its own, to be killed."""
    process = _context.Process(target=_work, args=(data, asked, chosen))
    process.start()
    return process


def reference(changes: Sequence[dict[str, Any]], shop: Mapping[str, Product]) -> dict[str, Product]:
    """What a catalogue is after changes, applied one by one by the simplest means."""
    held: dict[str, dict[str, Any]] = {n: {"title": one.title} for n, one in shop.items()}
    for change in changes:
        if change["op"] == "upsert":
            fields = dict(change["product"])
            held[fields.pop("id")] = fields
        elif change["op"] == "delete":
            held.pop(change["id"], None)
        elif change["id"] in held:
            held[change["id"]] = {**held[change["id"]], **change["fields"]}
    return {name: Product(name, **fields) for name, fields in held.items()}
