"""Records that cannot be used, set aside so that none after them waits: where each stood, which
field, why, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from api.changes import Fault
from api.following.records import Taken
from indexer.storage import storage_errors, sync
from training.events.broker import TooLarge
from training.events.records import Record

if TYPE_CHECKING:
    from training.events.producer import Producer

_ROTATE_BYTES = 64_000_000
_TAIL_BYTES = 4_000_000
"""How much of the file is looked at for what an earlier process set aside just before its end."""
_REMEMBERED = 100_000
_SHOWN = 500

_Place = tuple[int, int, int]
"""Partition, offset, milliseconds when it was sent."""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """A topic that takes the records themselves, with what is wrong in their headers."""

    producer: Producer
    topic: str

    async def send(self, letters: Sequence[tuple[Taken, Fault]]) -> None:
        """Sends them; one that is too large goes without its value.

        Raises:
            StorageFailed: the brokers refuse or keep silent.
        """
        try:
            await self.producer.send([self._letter(one, fault) for one, fault in letters])
        except TooLarge:
            for one, fault in letters:
                await self._send_small(one, fault)

    async def _send_small(self, one: Taken, fault: Fault) -> None:
        letter = self._letter(one, fault)
        try:
            await self.producer.send([letter])
        except TooLarge:
            headers = (*letter.headers, ("aisle-left-out", b"value"))
            await self.producer.send([Record(self.topic, letter.key, None, headers)])

    def _letter(self, one: Taken, fault: Fault) -> Record:
        facts = {**_place(one), "field": fault.field, "reason": fault.reason,
                 "remedy": fault.remedy}  # fmt: skip
        headers = tuple(
            (f"aisle-{name}", str("" if fact is None else fact).encode())
            for name, fact in facts.items()
        )
        nothing = one.raw.key is None and one.raw.value is None  # which the client does not send
        return Record(self.topic, one.raw.key, b"" if nothing else one.raw.value, headers)


class Rejects:
    """A file of JSON lines, and a topic of dead letters where there is one. What a process that
    died had set aside already is not set aside twice."""

    def __init__(self, path: Path, letters: DeadLetters | None = None) -> None:
        """Writes nothing until there is something to write."""
        self.path = path
        self._letters = letters
        self._known = set(_known(path))

    async def add(self, refused: Sequence[tuple[Taken, Fault]]) -> list[dict[str, Any]]:
        """Sets records aside, durably; what is told of those that are new.

        Raises:
            StorageFailed: the disk or the brokers refuse.
        """
        fresh = [(one, fault) for one, fault in refused if _key(one) not in self._known]
        if not fresh:
            return []
        if self._letters is not None:
            await self._letters.send(fresh)
        lines = [_line(one, fault) for one, fault in fresh]
        with storage_errors(self.path):
            self._write(lines)
        self._known = set() if len(self._known) > _REMEMBERED else self._known
        self._known.update(_key(one) for one, _ in fresh)
        return lines

    def _write(self, lines: Sequence[dict[str, Any]]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and self.path.stat().st_size > _ROTATE_BYTES:
            self.path.replace(self.path.with_suffix(".old.jsonl"))
        new = not self.path.exists()
        with self.path.open("ab+") as file:
            if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
                file.write(b"\n")  # after a line that a crash cut off
            file.write(b"".join(orjson.dumps(line) + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync(self.path.parent)


def _key(one: Taken) -> _Place:
    return one.raw.partition, one.offset, one.raw.timestamp


def _place(one: Taken) -> dict[str, Any]:
    raw = one.raw
    return {"topic": raw.topic, "partition": raw.partition, "offset": raw.offset}


def _line(one: Taken, fault: Fault) -> dict[str, Any]:
    return {
        **_place(one),
        "sent_ms": one.raw.timestamp,
        "key": _text(one.raw.key),
        "field": fault.field,
        "reason": fault.reason,
        "remedy": fault.remedy,
        "value": _text(one.raw.value),
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else value[:_SHOWN].decode(errors="replace")


def _known(path: Path) -> Iterator[_Place]:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            found = orjson.loads(line)
            yield int(found["partition"]), int(found["offset"]), int(found["sent_ms"])
        except (ValueError, KeyError, TypeError):  # a torn line, or the middle of one
            continue
