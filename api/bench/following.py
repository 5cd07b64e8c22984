"""How fast an index follows a topic of changes: a backlog's changes a second, and at a low rate the
time from a change's being sent until a search finds it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import orjson

from api.following.address import topic_at
from api.following.follower import Follower
from api.following.gauges import Gauges
from api.following.rejects import Rejects
from api.following.stream import Stream
from api.settings import AppSettings
from indexer.live import LiveWriter
from search.build import open_search
from search.engines.local.documents import DocumentStore
from search.engines.local.layout import DataLayout, read_current
from search.types import Product

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

Say = Callable[[str], None]
_LOOK_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Plan:
    """`kafka` is the brokers' HOST:PORT; `changes` how many prices change in the backlog, `texts`
    how many products with new words, and `singles` how many changes are sent one by one."""

    kafka: str
    changes: int = 20_000
    texts: int = 1_000
    singles: int = 40
    partitions: int = 3


def run_following(settings: AppSettings, plan: Plan, say: Say) -> dict[str, Any]:
    """Figures; the index is left as it is, what changes is a copy of it that shares its files.

    Raises:
        IndexMissing, IndexCorrupt: there is no index; StorageFailed: no broker answers.
    """
    with _copy(settings.data) as data:
        chosen = settings.model_copy(update={"data": data})
        return asyncio.run(_run(chosen, plan, say))


@contextmanager
def _copy(data: Path) -> Iterator[Path]:
    """The snapshot, its files linked."""
    version = read_current(data)
    with tempfile.TemporaryDirectory(prefix="aisle-following-", dir=data.parent) as folder:
        copy = Path(folder)
        source, target = DataLayout(data).snapshot(version).root, DataLayout(copy).snapshot(version)
        shutil.copytree(source, target.root, copy_function=os.link)
        (copy / "CURRENT").write_text(version)
        if (data / "encoders").exists():
            (copy / "encoders").symlink_to((data / "encoders").resolve())
        yield copy


async def _run(settings: AppSettings, plan: Plan, say: Say) -> dict[str, Any]:
    topic = f"aisle-bench-{uuid4().hex[:12]}"
    async with _topic(settings, plan, topic) as (url, producer):
        products = _products(settings, max(plan.changes, plan.texts))
        figures: dict[str, Any] = {}
        for name, sent in (
            ("prices", [_price(product, n) for n, product in enumerate(products[: plan.changes])]),
            ("texts", [_text(product, n) for n, product in enumerate(products[: plan.texts])]),
        ):
            say(f"sending {len(sent):,} changes of {name}, then following them")
            for key, value in sent:
                await producer.send(topic, orjson.dumps(value), key.encode())
            await producer.flush()
            figures[name] = await _drain(settings, url)
        say(f"sending {plan.singles} changes one by one")
        figures["visible_ms"] = await _singles(settings, url, producer, products, plan.singles)
        return figures


@asynccontextmanager
async def _topic(
    settings: AppSettings, plan: Plan, topic: str
) -> AsyncIterator[tuple[str, AIOKafkaProducer]]:
    from aiokafka import AIOKafkaProducer
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    url = f"kafka://{plan.kafka}/{topic}"
    options = topic_at(url, settings)[0].options()
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    await admin.create_topics([NewTopic(topic, plan.partitions, 1)])
    producer = AIOKafkaProducer(**options, acks="all", linger_ms=5)
    await producer.start()
    try:
        yield url, producer
    finally:
        await producer.stop()
        await admin.delete_topics([topic])
        await admin.close()


def _products(settings: AppSettings, count: int) -> list[Product]:
    store = DocumentStore(DataLayout(settings.data).snapshot(read_current(settings.data)).documents)
    ordinals = np.linspace(0, len(store) - 1, min(count, len(store)), dtype=np.int64)
    return store.products(np.unique(ordinals).tolist())


def _price(product: Product, number: int) -> tuple[str, dict[str, Any]]:
    fields = {"price": 1.0 + number % 100, "stock": number % 50}
    return product.id, {"op": "patch", "id": product.id, "fields": fields}


def _text(product: Product, number: int) -> tuple[str, dict[str, Any]]:
    fields = {"title": f"{product.title} {number}"}
    return product.id, {"op": "patch", "id": product.id, "fields": fields}


def _follower(settings: AppSettings, url: str, tell: Callable[..., None], end: bool) -> Follower:
    broker, topic = topic_at(url, settings)
    rejects = Rejects(settings.data / "following" / "rejects.jsonl")
    stream = Stream(broker, topic, f"{topic}-group")
    return Follower(
        LiveWriter(settings), stream, rejects, Gauges(), tell, settings.catalogue, until_end=end
    )


async def _drain(settings: AppSettings, url: str) -> dict[str, Any]:
    spent: list[float] = []

    def tell(event: str, **facts: Any) -> None:
        if event == "applied":
            spent.append(facts["seconds"])

    follower = _follower(settings, url, tell, True)
    started, worked = time.perf_counter(), time.process_time()
    await follower.run(asyncio.Event())
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    records = follower.totals["records"]
    return {
        "changes": records,
        "seconds": round(seconds, 2),
        "a_second": round(records / seconds),
        "cpu_seconds": round(worked, 2),
        "batches": follower.totals["batches"],
        "slowest_batch_seconds": max(spent, default=0.0),
    }


async def _singles(
    settings: AppSettings, url: str, producer: AIOKafkaProducer, products: list[Product], count: int
) -> dict[str, float]:
    """Milliseconds from just before a change is sent until another reader's view has it."""
    topic, stop, began = url.rpartition("/")[2], asyncio.Event(), asyncio.Event()

    def tell(event: str, **_: Any) -> None:
        if event == "following":
            began.set()

    search = await open_search(settings)
    task = asyncio.create_task(_follower(settings, url, tell, False).run(stop))
    await began.wait()
    took = []
    try:
        for number in range(count):
            name = f"bench-{number}"
            change = {"op": "upsert", "product": {"id": name, "title": products[0].title}}
            start = time.perf_counter()
            await producer.send_and_wait(topic, orjson.dumps(change), name.encode())
            while await (await search.engine.view()).find(name) is None:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
            took.append((time.perf_counter() - start) * 1000)
    finally:
        stop.set()
        await task
        await search.close()
    p50, p99 = np.percentile(np.array(took), (50, 99)).tolist()
    return {"p50": round(p50, 1), "p99": round(p99, 1), "most": round(max(took), 1)}


def following_table(result: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = [
        f"| {name} | {each['changes']:,} | {each['seconds']} | {each['a_second']:,} | "
        f"{each['cpu_seconds']} | {each['batches']} | {each['slowest_batch_seconds']} |"
        for name, each in result.items()
        if name != "visible_ms"
    ]
    visible = result["visible_ms"]
    return "\n".join(
        [
            "| backlog | changes | s | changes/s | CPU, s | batches | slowest batch, s |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"One change at a time: found after {visible['p50']} ms (p50), {visible['p99']} ms "
            f"(p99), {visible['most']} ms at most.",
        ]
    )
