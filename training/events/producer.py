"""Sending records so that what was acknowledged is kept, and every wait has an end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.events.broker import Broker, refused
from training.events.records import RECORD_BYTES, Record

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer
    from aiokafka.structs import RecordMetadata

_BATCH_BYTES = 262_144


class Producer:
    """An idempotent producer, made when first needed. For one event loop.

    One that was refused a record is replaced: there is a gap in its sequence numbers, and brokers
    take nothing more of it. One whose broker keeps silent goes on trying with what it holds, a
    batch of 256 kB a partition at most, so that nothing is sent out of order.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._made: asyncio.Task[AIOKafkaProducer] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def send(self, records: Sequence[Record]) -> list[RecordMetadata]:
        """Returns when all replicas in sync have all records; where each of them is.

        Raises:
            StorageFailed: the broker refused, or did not answer within its timeout; which of the
                records it has, or will have, is unknown.
        """
        from aiokafka.errors import KafkaError, KafkaTimeoutError

        if not records:
            return []
        made = self._current()
        try:
            async with asyncio.timeout(self._broker.timeout):
                producer = await asyncio.shield(made)
                sent = [
                    await producer.send(r.topic, r.value, r.key, headers=list(r.headers))
                    for r in records
                ]
                return list(await asyncio.gather(*sent))
        except (KafkaError, OSError) as error:  # TimeoutError is an OSError
            if not isinstance(error, TimeoutError | KafkaTimeoutError):
                self._leave(made)
            raise refused(self._broker, error) from error

    def _current(self) -> asyncio.Task[AIOKafkaProducer]:
        made = self._made
        if made is None or (made.done() and (made.cancelled() or made.exception())):
            made = self._made = asyncio.create_task(_make(self._broker))
        return made

    def _leave(self, made: asyncio.Task[AIOKafkaProducer]) -> None:
        if self._made is made:
            self._made = None
            leaving = asyncio.create_task(_stop(made, self._broker.timeout))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Stops; waits no longer than the broker may take to answer."""
        if self._made is not None:
            self._leave(self._made)
        if self._leaving:
            await asyncio.wait(self._leaving)


async def _make(broker: Broker) -> AIOKafkaProducer:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(
        **broker.options(),
        enable_idempotence=True,
        acks="all",
        compression_type="gzip",
        max_batch_size=_BATCH_BYTES,
        max_request_size=RECORD_BYTES + 100_000,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def _stop(made: asyncio.Task[AIOKafkaProducer], patience: float) -> None:
    """Stops a producer; one whose broker is away would try to send for good."""
    if not made.done():
        made.cancel()
    with contextlib.suppress(Exception, asyncio.CancelledError):
        producer = await made
        with contextlib.suppress(Exception):
            await asyncio.wait_for(producer.stop(), patience)
        await producer.client.close()
