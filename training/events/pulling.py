"""From Kafka's topics into the log on files: each record counts once, however a pull ends.

Rows and the offsets up to which they were read become the log's in one step, the replacing of its
manifest. Offsets are committed to the consumer group after that, for who watches its lag; a pull
begins where the manifest says.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.errors import BadInput
from training.events.broker import Broker, refused
from training.events.database import connect
from training.events.disk import locked, storage_errors
from training.events.layout import LogLayout
from training.events.manifest import read_manifest
from training.events.pulled_rows import PulledRows
from training.events.storing import clear_leftovers

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition

Progress = Callable[[str, int, int | None], None]

GROUP = "aisle"
_STEP_BYTES = 256_000_000


@dataclass(frozen=True, slots=True)
class Lag:
    """How far one partition is in the log: the next offset, the offset after its last record."""

    topic: str
    partition: int
    offset: int
    end: int


@dataclass(slots=True)
class Pulled:
    """What a pull did: records read, new rows by table, events that were there already, bytes of
    records that are no sound frames (kept in `damaged/`), records that the topics' retention
    deleted before they were read; and where the partitions stand."""

    records: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    corrupt: int = 0
    expired: int = 0
    partitions: list[Lag] = field(default_factory=list)

    @property
    def lag(self) -> int:
        """Records that are not in the log yet."""
        return sum(part.end - part.offset for part in self.partitions)


def pull(
    data: Path,
    broker: Broker,
    *,
    group: str = GROUP,
    memory: str = "1GB",
    step_bytes: int = _STEP_BYTES,
    progress: Progress | None = None,
) -> Pulled:
    """Brings what the topics hold at the moment into the log of a data directory.

    Waits while another pull into it goes on. To be killed at any moment: rows are taken in whole
    steps of about `step_bytes`.

    Raises:
        StorageFailed: the broker or the disk refused; the log is as after the last whole step.
        BadInput: there are no such topics.
    """
    layout = LogLayout.of(data)
    with storage_errors(layout.root), locked(layout.root / "pull.lock"):
        return asyncio.run(_Pull(layout, broker, group, memory, step_bytes, progress).run())


class _Pull:
    def __init__(
        self,
        layout: LogLayout,
        broker: Broker,
        group: str,
        memory: str,
        step_bytes: int,
        progress: Progress | None,
    ) -> None:
        self._layout, self._broker, self._group = layout, broker, group
        self._memory, self._step_bytes, self._progress = memory, step_bytes, progress
        self._pulled = Pulled()
        self._cluster = ""

    async def run(self) -> Pulled:
        from aiokafka.errors import KafkaError

        try:
            self._cluster, partitions = await _partitions(self._broker)
            async with _consumer(self._broker, self._group) as consumer:
                consumer.assign(partitions)
                ends = await self._seek(consumer, partitions)
                total = sum(ends.values()) - sum([await consumer.position(p) for p in ends])
                while await self._step(consumer, ends, total):
                    pass
                latest = await consumer.end_offsets(partitions)
                for part in sorted(partitions):
                    at = await consumer.position(part)
                    lag = Lag(part.topic, part.partition, at, max(latest[part], at))
                    self._pulled.partitions.append(lag)
        except (KafkaError, TimeoutError) as error:
            raise refused(self._broker, error) from error
        return self._pulled

    def _name(self, part: TopicPartition) -> str:
        return f"kafka:{self._cluster}/{part.topic}/{part.partition}"

    async def _seek(
        self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Goes to where the last pull ended; the ends of the moment."""
        known = read_manifest(self._layout).offsets
        first = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        for part in partitions:
            at = known.get(self._name(part), first[part])
            if at > ends[part]:  # the topic was made anew
                at = first[part]
            self._pulled.expired += max(first[part] - at, 0)
            consumer.seek(part, max(at, first[part]))
        return dict(ends)

    async def _step(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], total: int
    ) -> bool:
        """Takes some records into the log; whether there are more."""
        with tempfile.TemporaryDirectory(prefix="aisle-pull-") as folder:
            with PulledRows(self._layout, Path(folder)) as rows:
                more = await self._read(consumer, ends, rows, total)
            if not rows.records:
                return False
            positions = {part: await consumer.position(part) for part in ends}
            offsets = {self._name(part): at for part, at in positions.items()}
            with storage_errors(self._layout.root), locked(self._layout.lock):
                clear_leftovers(self._layout)
                with connect(self._memory) as connection:
                    stored = rows.store(connection, offsets)
        self._pulled.duplicates += stored.duplicates
        self._pulled.rows.update(stored.rows)
        self._pulled.corrupt += rows.corrupt
        await _commit(consumer, positions)
        return more

    async def _read(
        self,
        consumer: AIOKafkaConsumer,
        ends: Mapping[TopicPartition, int],
        rows: PulledRows,
        total: int,
    ) -> bool:
        """Reads a step's records; whether there are more."""
        behind = dict(ends)
        quiet = 0.0
        while rows.size < self._step_bytes:
            behind = {p: end for p, end in behind.items() if await consumer.position(p) < end}
            if not behind:
                return False
            got: dict[TopicPartition, list[Any]] = await consumer.getmany(
                *behind, timeout_ms=500, max_records=10_000
            )
            quiet = 0.0 if got else quiet + 0.5
            if quiet >= self._broker.timeout:
                raise TimeoutError
            for record in (one for records in got.values() for one in records):
                rows.add(f"{record.topic}-{record.partition}-{record.offset}", record.value or b"")
                self._pulled.records += 1
            if self._progress:
                self._progress("pulling", min(self._pulled.records, total), total)
        return True


async def _partitions(broker: Broker) -> tuple[str, list[TopicPartition]]:
    """The cluster's id, and the partitions of both topics."""
    from aiokafka import TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient

    admin = AIOKafkaAdminClient(**broker.options())
    try:
        async with asyncio.timeout(broker.timeout):
            await admin.start()
            cluster = (await admin.describe_cluster())["cluster_id"]
            topics = await admin.describe_topics()
    finally:
        await admin.close()
    names = (broker.events_topic, broker.searches_topic)
    found = [
        TopicPartition(topic["topic"], part["partition"])
        for topic in topics
        if topic["topic"] in names
        for part in topic["partitions"]
    ]
    if not found:
        raise BadInput(
            f"Kafka at {broker.servers} has no topic {names[0]} or {names[1]}; check the names in "
            "[kafka] events_topic and searches_topic, or log something first"
        )
    return str(cluster), found


@asynccontextmanager
async def _consumer(broker: Broker, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(
        **broker.options(),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8_000_000,
    )
    try:
        async with asyncio.timeout(broker.timeout):
            await consumer.start()
        yield consumer
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), broker.timeout)


async def _commit(consumer: AIOKafkaConsumer, positions: Mapping[TopicPartition, int]) -> None:
    """Tells the group, for those who watch its lag; the log itself has the offsets already."""
    from aiokafka.errors import KafkaError

    with suppress(KafkaError, TimeoutError):
        await asyncio.wait_for(consumer.commit(dict(positions)), 10.0)
