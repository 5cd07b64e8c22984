"""A topic of changes, read from where an index stands.

The partitions are assigned by hand, all of them, and begin where the index says: no group decides
what is read, and no rebalance takes a partition away. Offsets are committed to a group as well, for
who watches its lag.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from search.engines.local.positions import ANY, Position, Positions
from search.errors import BadInput
from training.events.broker import Broker, refused

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

_METADATA_SECONDS = 10.0
_FETCH_MS = 250
_PARTITION_BYTES = 2_000_000
_BUFFER_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Lost:
    """Records of a partition that can no longer be read: `count` of them were deleted by the
    topic's retention, or the topic ends before where the index stands (`anew`)."""

    name: str
    count: int
    anew: bool = False


@dataclass(slots=True)
class _Place:
    """How far a partition was read."""

    name: str
    before: int | None
    """Where the index stands."""
    offset: int
    time: float
    end: int
    sent: float = 0.0
    """When the last record that was read was sent."""


@dataclass(slots=True)
class Stream:
    """One topic, for one event loop. Errors of brokers are `StorageFailed`."""

    broker: Broker
    topic: str
    group: str = "aisle"
    metadata_seconds: float = _METADATA_SECONDS
    _consumer: AIOKafkaConsumer | None = None
    _cluster: str = ""
    _places: dict[TopicPartition, _Place] = field(default_factory=dict)
    _committing: asyncio.Task[None] | None = None
    _spoken: float = 0.0
    """When brokers last answered, as far as is known (monotonic)."""

    @property
    def before(self) -> dict[str, int | None]:
        """Where the index stands, by partition."""
        return {place.name: place.before for place in self._places.values()}

    @property
    def closed(self) -> bool:
        """Whether it is to begin again."""
        return self._consumer is None

    @property
    def silent_seconds(self) -> float:
        """For how long no broker has answered."""
        return time.monotonic() - self._spoken

    @property
    def grown(self) -> bool:
        """Whether the topic has partitions that are not read yet."""
        known = self._consumer.partitions_for_topic(self.topic) if self._consumer else None
        return bool(known) and len(known or ()) > len(self._places)

    async def begin(self, positions: Positions, since: float = 0.0) -> list[Lost]:
        """Goes to where the index stands. What it knows nothing of is read from the moment `since`
        (seconds since 1970; 0 is the beginning, infinity the end), or from the moment that the
        index itself names.

        Raises:
            BadInput: there is no such topic.
            StorageFailed: brokers refuse or keep silent.
        """
        from aiokafka.errors import KafkaError

        try:
            parts = await self._find()
            if self._consumer is None:
                self._consumer = await self._open()
            return await self._seek(self._consumer, parts, positions, since)
        except (KafkaError, OSError) as error:
            await self.close()
            raise refused(self.broker, error) from error

    async def _find(self) -> list[TopicPartition]:
        """The topic's partitions. It must be there: reading one that is not would make it, where
        brokers are set up to."""
        from aiokafka import TopicPartition
        from aiokafka.admin import AIOKafkaAdminClient

        admin = AIOKafkaAdminClient(**self.broker.options())
        try:
            async with asyncio.timeout(self.broker.timeout):
                await admin.start()
                self._cluster = str((await admin.describe_cluster())["cluster_id"])
                topics = {topic["topic"]: topic for topic in await admin.describe_topics()}
        finally:
            with suppress(Exception):
                await admin.close()
        if self.topic not in topics:
            raise BadInput(
                f"Kafka at {self.broker.servers} has no topic {self.topic}; create it: "
                f"kafka-topics.sh --create --topic {self.topic} (docs/following.md)",
                field="follow",
            )
        numbers = sorted(part["partition"] for part in topics[self.topic]["partitions"])
        return [TopicPartition(self.topic, number) for number in numbers]

    async def _open(self) -> AIOKafkaConsumer:
        from aiokafka import AIOKafkaConsumer

        consumer = AIOKafkaConsumer(
            **self.broker.options(),
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            metadata_max_age_ms=int(self.metadata_seconds * 1000),
            fetch_max_wait_ms=_FETCH_MS,
            fetch_max_bytes=_BUFFER_BYTES,
            max_partition_fetch_bytes=_PARTITION_BYTES,
        )
        try:
            async with asyncio.timeout(self.broker.timeout):
                await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    async def _seek(
        self,
        consumer: AIOKafkaConsumer,
        parts: Sequence[TopicPartition],
        positions: Positions,
        since: float,
    ) -> list[Lost]:
        async with asyncio.timeout(2 * self.broker.timeout):
            first = await consumer.beginning_offsets(parts)
            ends = await consumer.end_offsets(parts)
            named = {part: self._name(part) for part in parts}
            fresh = [part for part in parts if named[part] not in positions]
            begins = await self._begins(consumer, fresh, positions, since, first, ends)
        self._places, lost = {}, []
        consumer.assign(parts)
        for part, name in named.items():
            at = positions.get(name)
            start = begins[part] if at is None else at.offset
            if at is not None and not first[part] <= start <= ends[part]:
                lost.append(Lost(name, max(first[part] - start, 0), start > ends[part]))
                start = first[part]
            consumer.seek(part, start)
            self._places[part] = _place(name, at, start, ends[part])
        self._spoken = time.monotonic()
        return lost

    async def _begins(
        self,
        consumer: AIOKafkaConsumer,
        fresh: Sequence[TopicPartition],
        positions: Positions,
        since: float,
        first: dict[TopicPartition, int],
        ends: dict[TopicPartition, int],
    ) -> dict[TopicPartition, int]:
        """Where partitions begin that the index knows nothing of. One that came into a topic which
        is followed begins at its beginning."""
        mine = f"kafka:{self._cluster}/{self.topic}/"
        moment = 0.0 if any(name.startswith(mine) for name in positions) else since
        if ANY in positions:
            moment = positions[ANY].time
        if moment <= 0:
            return {part: first[part] for part in fresh}
        if math.isinf(moment) or not fresh:
            return {part: ends[part] for part in fresh}
        found = await consumer.offsets_for_times({part: int(moment * 1000) for part in fresh})
        return {p: ends[p] if found.get(p) is None else found[p].offset for p in fresh}

    def _name(self, part: TopicPartition) -> str:
        return f"kafka:{self._cluster}/{part.topic}/{part.partition}"

    async def read(
        self, most: int, most_bytes: int, wait: float, linger: float
    ) -> list[tuple[str, ConsumerRecord]]:
        """The next records with the names of their partitions, those of each partition in order:
        none when none comes within `wait` seconds, else those that come within `linger` of the
        first.

        Raises:
            StorageFailed: brokers refuse, or the topic was made anew; begin again.
        """
        from aiokafka.errors import KafkaError

        assert self._consumer is not None, "begin() comes first"
        found: list[tuple[str, ConsumerRecord]] = []
        size, until = 0, time.monotonic() + wait
        try:
            while len(found) < most and size < most_bytes:
                left = max(until - time.monotonic(), 0.0)
                got = await self._consumer.getmany(
                    timeout_ms=int(left * 1000), max_records=most - len(found)
                )
                if got and not found:
                    until = time.monotonic() + linger
                for part, records in got.items():
                    place = self._places[part]
                    place.sent = records[-1].timestamp / 1000
                    found += [(place.name, record) for record in records]
                    size += sum(len(record.value or b"") for record in records)
                if not got and left <= 0:
                    break
            await self._look(self._consumer)
        except KafkaError as error:
            await self.close()
            raise refused(self.broker, error) from error
        return found

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        """Takes down how far everything was read."""
        now = time.time()
        for part, place in self._places.items():
            place.offset = await consumer.position(part)
            place.end = max(consumer.highwater(part) or place.end, place.offset)
            polled = (consumer.last_poll_timestamp(part) or 0) / 1000
            if polled:
                self._spoken = max(self._spoken, time.monotonic() - max(now - polled, 0.0))
            reached = polled if place.offset >= place.end else place.sent
            place.time = max(place.time, min(reached, now))

    def after(self) -> dict[str, Position]:
        """The positions that were read up to."""
        return {
            place.name: Position(place.offset, place.time, place.end - place.offset)
            for place in self._places.values()
        }

    def saved(self, positions: Positions) -> None:
        """The index stands there now."""
        for place in self._places.values():
            if place.name in positions:
                place.before = positions[place.name].offset

    def commit(self, positions: Positions) -> None:
        """Tells the group in the background, for who watches its lag; the index has the offsets
        already."""
        if self._consumer is None or (self._committing and not self._committing.done()):
            return
        offsets = {
            part: positions[place.name].offset
            for part, place in self._places.items()
            if place.name in positions
        }
        self._committing = asyncio.create_task(_commit(self._consumer, offsets, self.broker))

    async def close(self) -> None:
        """Leaves the cluster; waits no longer than it may take to answer."""
        if self._committing is not None:
            await asyncio.wait([self._committing], timeout=self.broker.timeout)
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(Exception):
                await asyncio.wait_for(consumer.stop(), self.broker.timeout)


def _place(name: str, at: Position | None, start: int, end: int) -> _Place:
    """Where a partition begins to be read; when all of it was sent that is not, where known."""
    stood = 0.0 if at is None else at.time
    return _Place(
        name, at.offset if at else None, start, time.time() if start >= end else stood, end
    )


async def _commit(
    consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int], broker: Broker
) -> None:
    from aiokafka.errors import KafkaError

    with suppress(KafkaError, OSError):
        await asyncio.wait_for(consumer.commit(offsets), broker.timeout)
