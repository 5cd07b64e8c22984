"""Records of a segment: `MAGIC | length u32 | CRC-32 u32 | kind u8 | payload`, little-endian.

A record holds one batch, so that a torn write never leaves half of one. The payload is JSON, a row
a line, with the columns of the kind's table. The CRC covers kind and payload.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

MAGIC = b"\xa1EV1"
_HEADER = struct.Struct("<4sIIB")


class Kind(IntEnum):
    """What a record holds; the first three name a table each."""

    searches = 1
    events = 2
    quarantined = 3
    counts = 4


_KINDS = frozenset(Kind)


@dataclass(slots=True)
class Damage:
    """What of a segment could not be read: how many bytes at its end, cut off while being written
    (nobody was told they were kept), and which stretches in its middle, as (offset, end)."""

    torn: int = 0
    corrupt: list[tuple[int, int]] = field(default_factory=list)


def frame(kind: Kind, payload: bytes) -> bytes:
    """One record."""
    check = zlib.crc32(payload, zlib.crc32(bytes((kind,))))
    return _HEADER.pack(MAGIC, len(payload), check, kind) + payload


def parse_frame(content: bytes) -> tuple[Kind, bytes] | None:
    """The kind and the payload of one record; None when it is not sound, or more than one."""
    found = _record(content, 0)
    whole = found is not None and _HEADER.size + len(found[1]) == len(content)
    return found if whole else None


def read_frames(path: Path, damage: Damage) -> Iterator[tuple[Kind, bytes]]:
    """The sound records of a segment in order; fills in what was damaged.

    Raises:
        FileNotFoundError: it was compacted meanwhile.
    """
    with path.open("rb") as opened:
        if not path.stat().st_size:
            return
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield from _walk(content, damage)


def _walk(content: mmap.mmap, damage: Damage) -> Iterator[tuple[Kind, bytes]]:
    at, size = 0, len(content)
    while at < size:
        found = _record(content, at)
        if found is not None:
            yield found
            at += _HEADER.size + len(found[1])
            continue
        following = _next_sound(content, at + 1)
        if following is None and not _complete(content, at):
            damage.torn = size - at
            return
        following = size if following is None else following
        damage.corrupt.append((at, following))
        at = following


def _record(content: mmap.mmap | bytes, at: int) -> tuple[Kind, bytes] | None:
    if at + _HEADER.size > len(content):
        return None
    magic, length, check, kind = _HEADER.unpack_from(content, at)
    start = at + _HEADER.size
    if magic != MAGIC or start + length > len(content) or kind not in _KINDS:
        return None
    payload = content[start : start + length]
    if zlib.crc32(payload, zlib.crc32(bytes((kind,)))) != check:
        return None
    return Kind(kind), payload


def _complete(content: mmap.mmap, at: int) -> bool:
    """Whether a record that is not sound was at least written to its end."""
    if at + _HEADER.size > len(content):
        return False
    magic, length, _, _ = _HEADER.unpack_from(content, at)
    return bool(magic == MAGIC and at + _HEADER.size + length <= len(content))


def _next_sound(content: mmap.mmap, at: int) -> int | None:
    found = content.find(MAGIC, at)
    while found >= 0:
        if _record(content, found) is not None:
            return found
        found = content.find(MAGIC, found + 1)
    return None
