"""The records of a log of live changes (`search.engines.local.changes`), byte by byte: sent as
they are, and appended as they are, so that every machine's log is the same up to where it goes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from search.errors import IndexCorrupt

_FRAME = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")
_MAGIC = b"AISL"


@dataclass(frozen=True, slots=True)
class Record:
    """One batch: its number, where it ends in the log, the checksum in its frame, its bytes."""

    sequence: int
    end: int
    check: str
    content: bytes


def read_records(log: Path, start: int, end: int) -> Iterator[Record]:
    """The records between two offsets.

    Raises:
        IndexCorrupt: they are not whole.
    """
    if start == end:
        return
    with log.open("rb") as file:
        file.seek(start)
        while start < end:
            frame = file.read(_FRAME.size)
            length = _FRAME.unpack(frame)[1] if len(frame) == _FRAME.size else 0
            record = check_record(frame + file.read(length), log)
            start += len(record.content)
            yield replace(record, end=start)


def check_record(content: bytes, place: object) -> Record:
    """One record, checked; its `end` is its length.

    Raises:
        IndexCorrupt: a byte of it is missing or altered.
    """
    whole = len(content) >= _FRAME.size
    magic, length, checksum = _FRAME.unpack_from(content) if whole else (b"", 0, 0)
    payload = content[_FRAME.size :]
    if magic != _MAGIC or len(payload) != length or zlib.crc32(payload) != checksum:
        raise IndexCorrupt(f"{place} is damaged: it is no whole record of changes")
    (header,) = _LENGTH.unpack_from(payload)
    sequence = orjson.loads(payload[_LENGTH.size : _LENGTH.size + header])["sequence"]
    return Record(sequence, len(content), f"{checksum:08x}", content)


def last_check(log: Path, offset: int) -> str:
    """The checksum of the record that ends at an offset, "" at the beginning. Reads the frames
    alone.

    Raises:
        IndexCorrupt: no record ends there.
    """
    start, check = 0, ""
    if not offset:
        return check
    with log.open("rb") as file:
        while start < offset:
            file.seek(start)
            frame = file.read(_FRAME.size)
            magic, length, checksum = (
                _FRAME.unpack(frame) if len(frame) == _FRAME.size else (b"", 0, 0)
            )
            if magic != _MAGIC:
                break
            start, check = start + _FRAME.size + length, f"{checksum:08x}"
    if start != offset:
        raise IndexCorrupt(f"{log} is damaged: no batch ends at byte {offset}")
    return check
