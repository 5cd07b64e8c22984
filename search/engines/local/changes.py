"""The log of live changes: one record per batch, appended, never altered.

A record is `b"AISL"`, the payload's length and CRC-32 (little-endian uint32), then the payload: the
header's length (uint32), the header (JSON), the new products (JSON, one after another), their
normalized texts and their vectors (float32). The log alone is enough to rebuild everything made of
it, without analyzing or encoding again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import orjson

from search.engines.local.positions import (
    Positions,
    positions_from_json,
    positions_to_json,
)
from search.errors import IndexCorrupt
from search.types import Vectors

_MAGIC = b"AISL"
_FRAME = struct.Struct("<4sII")
_LENGTH = struct.Struct("<I")

Kind = Literal["upsert", "delete", "patch"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What was asked for one id. `fields` are a patch's new values, in their JSON form."""

    kind: Kind
    id: str
    fields: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of changes, resolved against the index it was applied to.

    `entries` name each id once. `products` holds the JSON of every product upserted or patched, in
    the order of those entries, and `vectors` their embeddings, float32 of shape (products,
    dimensions), None in an index without vectors. `dead` are the ordinals that end here. `texts`
    are the products' normalized words, as `texts.pack_texts` joins them. `positions` are those
    that the streams stand at which it was read from. `measures` are the keys of what each product
    measures (`measures.measure_keys`); logs of earlier versions have none.
    """

    sequence: int
    entries: tuple[Entry, ...]
    products: tuple[bytes, ...]
    vectors: Vectors | None
    dead: tuple[int, ...]
    texts: tuple[bytes, ...] = ()
    positions: Positions = field(default_factory=dict)
    measures: tuple[tuple[int, ...], ...] = ()


def encode_batch(batch: Batch) -> bytes:
    """The record, ready to be appended."""
    header = orjson.dumps(
        {
            "sequence": batch.sequence,
            "entries": [[entry.kind, entry.id, entry.fields] for entry in batch.entries],
            "lengths": [len(product) for product in batch.products],
            "dimensions": None if batch.vectors is None else batch.vectors.shape[1],
            "dead": batch.dead,
            "texts": [len(text) for text in batch.texts],
            "measures": batch.measures,
            **({"positions": positions_to_json(batch.positions)} if batch.positions else {}),
        }
    )
    vectors = b"" if batch.vectors is None else np.ascontiguousarray(batch.vectors, "<f4").tobytes()
    parts = (_LENGTH.pack(len(header)), header, *batch.products, *batch.texts, vectors)
    payload = b"".join(parts)
    return _FRAME.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


def _decode(payload: bytes) -> Batch:
    (length,) = _LENGTH.unpack_from(payload)
    start = _LENGTH.size + length
    header = orjson.loads(payload[_LENGTH.size : start])
    count = len(header["lengths"])
    lengths = [*header["lengths"], *header.get("texts", ())]
    bounds = (start + np.cumsum([0, *lengths])).tolist()
    parts = tuple(payload[a:b] for a, b in pairwise(bounds))
    vectors = None
    if header["dimensions"] is not None:
        flat = np.frombuffer(payload, "<f4", offset=bounds[-1])
        vectors = flat.reshape(count, header["dimensions"])
    return Batch(
        sequence=header["sequence"],
        entries=tuple(Entry(*entry) for entry in header["entries"]),
        products=parts[:count],
        vectors=vectors,
        dead=tuple(header["dead"]),
        texts=parts[count:],
        measures=tuple(map(tuple, header.get("measures", ()))),
        positions=positions_from_json(header.get("positions", {})),
    )


def read_batches(path: Path, start: int, end: int) -> Iterator[Batch]:
    """The batches between two offsets, both of which a state file named.

    Raises:
        IndexCorrupt: a byte of them is missing or altered.
    """
    offset = start
    with path.open("rb") as log:
        log.seek(start)
        while offset < end:
            payload = _next_payload(log.read(_FRAME.size), log.read)
            if payload is None:
                raise IndexCorrupt(
                    f"{path} is damaged at byte {offset}: restore it from a backup, or delete "
                    f"{path.parent} to go back to the snapshot without its live changes"
                )
            offset += _FRAME.size + len(payload)
            yield _decode(payload)


def read_tail(path: Path, start: int) -> Iterator[tuple[Batch, int]]:
    """Whole batches after `start`, each with the offset of its end; stops at a torn one, which
    nobody was told about."""
    with path.open("rb") as log:
        log.seek(start)
        while (payload := _next_payload(log.read(_FRAME.size), log.read)) is not None:
            start += _FRAME.size + len(payload)
            yield _decode(payload), start


def _next_payload(frame: bytes, read: Callable[[int], bytes]) -> bytes | None:
    if len(frame) < _FRAME.size:
        return None
    magic, length, checksum = _FRAME.unpack(frame)
    if magic != _MAGIC:
        return None
    payload = read(length)
    if len(payload) < length or zlib.crc32(payload) != checksum:
        return None
    return payload
