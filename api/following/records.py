"""Records of a topic as changes: one JSON object each, as `aisle update` takes them, or no value at
all, which deletes the product that the key names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from api.changes import Fault, parse_change
from search.types import Change, Delete, Patch, Upsert

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

_WHOLE = "record"


@dataclass(frozen=True, slots=True)
class Taken:
    """One record: the partition's name, its offset, when it was sent (seconds since 1970), and the
    change it asks for, or what is wrong with it."""

    name: str
    offset: int
    time: float
    change: Change | Fault
    raw: Any
    """The record itself, for who sets it aside."""


Records = tuple[Taken, ...]


def taken(name: str, record: ConsumerRecord, most_bytes: int) -> Taken:
    """A record read; what it asks for is checked as a catalogue's rows are."""
    change = _change(record.key, record.value, most_bytes)
    return Taken(name, record.offset, max(record.timestamp, 0) / 1000, change, record)


def _change(key: bytes | None, value: bytes | None, most_bytes: int) -> Change | Fault:
    if value is None:
        return _tombstone(key)
    if len(value) > most_bytes:
        return Fault(
            0, _WHOLE, f"is too large: {len(value):,} bytes",
            f"send at most {most_bytes:,}, or raise [catalogue] record_bytes",
        )  # fmt: skip
    try:
        record = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return Fault(0, _WHOLE, f"is not JSON: {error}", "send one JSON object a record, in UTF-8")
    if not isinstance(record, dict):
        return Fault(0, _WHOLE, "is no JSON object", "send one JSON object a record")
    return parse_change(record, 0)


def _tombstone(key: bytes | None) -> Change | Fault:
    try:
        name = (key or b"").decode()
    except UnicodeDecodeError:
        return Fault(0, "key", "is not UTF-8", "name the product to delete in the key")
    if not name:
        remedy = "name the product to delete in the key"
        return Fault(0, "key", "is missing where there is no value", remedy)
    return parse_change({"op": "delete", "id": name}, 0)


def checked(records: Sequence[Taken], unknown: Callable[[set[str]], set[str]]) -> Records:
    """The same records, with what is wrong in the place of a patch that finds no product; `unknown`
    says which of some ids no product has before the first record."""
    patched = {one.change.id for one in records if isinstance(one.change, Patch)}
    if not patched:
        return tuple(records)
    missing, found = unknown(patched), []
    for one in records:
        change = one.change
        if isinstance(change, Upsert):
            missing.discard(change.product.id)
        elif isinstance(change, Delete):
            missing.add(change.id)
        elif isinstance(change, Patch) and change.id in missing:
            found.append(replace(one, change=_nobody(change.id)))
            continue
        found.append(one)
    return tuple(found)


def _nobody(product_id: str) -> Fault:
    reason = f"there is no product {product_id!r} to patch"
    return Fault(0, "id", reason, "send the product as a whole (upsert), then the patch again")


def faulty(records: Sequence[Taken]) -> list[tuple[Taken, Fault]]:
    """Those that cannot be used, with what is wrong."""
    return [(one, one.change) for one in records if isinstance(one.change, Fault)]
