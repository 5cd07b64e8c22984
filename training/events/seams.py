"""What keeps events: files by default, Kafka at scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from search.types import Event, LoggedSearch


@dataclass(frozen=True, slots=True)
class Refused:
    """One event of a batch that was not taken: its index in the batch, the field and the reason,
    with the remedy where there is one."""

    index: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One event that is kept apart and counts for nothing: its index in the batch, the event, the
    field and the reason."""

    index: int
    event: Event
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: how many were kept, how many of these had been kept before (by id),
    and how many went to quarantine."""

    kept: int
    duplicates: int = 0
    quarantined: int = 0


class EventLog(Protocol):
    """Keeps events and searches. What `append` returned for is durable: it survives kill -9 and a
    power cut, and is counted once however often it is sent. Safe from several threads and
    processes."""

    async def append(
        self, events: Sequence[Event], quarantined: Sequence[Quarantined] = ()
    ) -> Receipt:
        """Keeps a batch of events, and beside them those of it that are in quarantine; returns when
        all are durable.

        Raises:
            StorageFailed: the disk or the broker refused; nothing of the batch counts.
        """
        ...

    def search(self, logged: LoggedSearch) -> bool:
        """Keeps an answered search, later and in the background, so that the answer waits for
        nothing. False when too many wait already and this one was dropped (and counted)."""
        ...

    async def close(self) -> None:
        """Writes what waits, then stops."""
        ...
