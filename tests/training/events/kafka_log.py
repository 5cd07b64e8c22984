"""An event log on a real Kafka broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.engines.kafka import KafkaBroker
from training.events.broker import Broker
from training.events.frames import Kind, parse_frame
from training.events.kafka import KafkaEventLog
from training.events.pulling import Pulled, pull


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
