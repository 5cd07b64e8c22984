"""Events and searches as records of Kafka: each value is a frame, as in a segment.

The key is the shopper (client, else session, else search), so that what one shopper did stays in
one partition and in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from search.errors import BadInput
from search.types import Event, LoggedSearch
from training.events.broker import Broker
from training.events.frames import Kind, frame
from training.events.rows import event_row, lines, quarantined_row, search_row
from training.events.seams import Quarantined

RECORD_BYTES = 900_000
"""The most bytes of rows in one record; by default a broker takes 1 MiB."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record to send; no value is what deletes a key (a tombstone)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def event_records(
    broker: Broker, events: Iterable[Event], quarantined: Sequence[Quarantined]
) -> list[Record]:
    """Events as records, in order, those of one shopper together.

    Raises:
        BadInput: one cannot be written, or is longer than a record may be.
    """
    kept = [(_shopper(event), event_row(event)) for event in events]
    apart = [(_shopper(one.event), quarantined_row(one)) for one in quarantined]
    return [
        Record(broker.events_topic, key, frame(kind, payload))
        for kind, rows in ((Kind.events, kept), (Kind.quarantined, apart))
        for key, payload in _grouped(rows)
    ]


def _shopper(event: Event) -> bytes:
    return (event.client or event.session or event.search or event.id).encode()


def _grouped(rows: Iterable[tuple[bytes, dict[str, Any]]]) -> Iterator[tuple[bytes, bytes]]:
    """Payloads by key, none longer than a record may be."""
    groups: dict[bytes, list[bytes]] = {}
    for key, row in rows:
        line = _line(row)
        group = groups.setdefault(key, [b""])
        if len(group[-1]) + len(line) > RECORD_BYTES:
            group.append(b"")
        group[-1] += line
    return ((key, payload) for key, group in groups.items() for payload in group)


def _line(row: dict[str, Any]) -> bytes:
    try:
        line = lines([row])
    except orjson.JSONEncodeError as error:
        raise BadInput(f"an event cannot be written as JSON: {error}") from None
    if len(line) > RECORD_BYTES:
        raise BadInput(
            f"event {row['event_id']} has {len(line):,} bytes; a record of Kafka has at most "
            f"{RECORD_BYTES:,}; lower [events] event_bytes"
        )
    return line


def search_record(broker: Broker, logged: LoggedSearch) -> Record | None:
    """A search as a record; None when it cannot be one, being too long or no JSON."""
    try:
        payload = lines([search_row(logged)])
    except Exception:  # one search that cannot be written must not stop the log
        return None
    if len(payload) > RECORD_BYTES:
        return None
    key = (logged.client or logged.session or logged.id).encode()
    return Record(broker.searches_topic, key, frame(Kind.searches, payload))


def counts_record(broker: Broker, counts: dict[str, int]) -> Record:
    """What was not kept, or not kept again, as a record."""
    return Record(broker.searches_topic, None, frame(Kind.counts, orjson.dumps(counts)))
