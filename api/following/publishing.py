"""What a server is told of products, sent to the catalogue's topic instead of into its own index:
every follower of the topic has it then, and servers keep nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from api.changes import Fault, parse_changes, read_records
from api.errors import BodyTooLarge, CatalogueAway
from api.following.address import topic_at
from api.settings import AppSettings
from search.errors import StorageFailed
from search.types import Change, Upsert
from training.events.broker import TooLarge
from training.events.producer import Producer
from training.events.records import Record


@dataclass(frozen=True, slots=True)
class Reached:
    """The last record of a batch in one partition."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class PublishedBody:
    """What became of a batch that was sent on: `accepted` changes are in `topic`, in the order of
    the batch for each product, up to `positions`; `errors` are the changes left out."""

    topic: str
    accepted: int
    positions: tuple[Reached, ...]
    errors: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class ToPublish:
    """Changes of a request as records, by product, and what is wrong with the others."""

    records: tuple[tuple[str, bytes], ...]
    faults: tuple[Fault, ...]


class Publisher:
    """One idempotent producer of this process (`acks=all`), for one event loop."""

    def __init__(self, url: str, settings: AppSettings) -> None:
        """Connects when there is something to send.

        Raises:
            BadInput: the address or the settings of Kafka cannot be used.
        """
        self._broker, self.topic = topic_at(url, settings, "catalogue.publish")
        self._broker.options()
        self._most = settings.catalogue.record_bytes
        self._producer = Producer(self._broker)

    def read(self, body: bytes) -> ToPublish:
        """The good changes of a request's body as they were given, keyed by product, so that those
        of one product stay in order. Blocks.

        Raises:
            ValidationError: the body is not JSON, or not of the form {"changes": […]}.
        """
        given = read_records(body)
        changes, faults = parse_changes(given)
        bad = {fault.index for fault in faults}
        good = [(i, one) for i, one in enumerate(given) if i not in bad]
        found = []
        for (index, one), change in zip(good, changes, strict=True):
            value = to_json(one)
            if len(value) > self._most:
                faults.append(self._too_large(index, len(value)))
            else:
                found.append((_id_of(change), value))
        return ToPublish(tuple(found), tuple(sorted(faults, key=lambda fault: fault.index)))

    def _too_large(self, index: int, size: int) -> Fault:
        remedy = f"send at most {self._most:,}, or raise [catalogue] record_bytes"
        return Fault(index, None, f"is too large: {size:,} bytes", remedy)

    async def publish(self, asked: ToPublish) -> PublishedBody:
        """Sends changes; returns when all replicas in sync have all of them.

        Raises:
            CatalogueAway: the brokers refused or did not answer in time; some of the changes may
                have arrived, and count once more when they are sent again, to the same effect.
            BodyTooLarge: the brokers take no record so large.
        """
        records = [Record(self.topic, name.encode(), value) for name, value in asked.records]
        try:
            sent = await self._producer.send(records)
        except TooLarge as error:
            raise BodyTooLarge(str(error)) from error
        except StorageFailed as error:
            raise CatalogueAway(f"{error}; send the changes again later") from error
        return PublishedBody(self.topic, len(records), _reached(sent), asked.faults)

    async def close(self) -> None:
        """Leaves the cluster."""
        await self._producer.close()


def _reached(sent: Sequence[Any]) -> tuple[Reached, ...]:
    last: dict[int, int] = {}
    for one in sent:
        last[one.partition] = max(last.get(one.partition, -1), one.offset)
    return tuple(Reached(partition, last[partition]) for partition in sorted(last))


def _id_of(change: Change) -> str:
    return change.product.id if isinstance(change, Upsert) else change.id


def open_publisher(settings: AppSettings) -> Publisher | None:
    """The one that `[catalogue] publish` asks for; None where changes go into the local index.

    Raises:
        BadInput: it cannot be used.
    """
    url = settings.catalogue.publish
    return None if url is None else Publisher(url, settings)
