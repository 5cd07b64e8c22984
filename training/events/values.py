"""Values of UBI records, checked: each reader takes them out of an object or raises `Fault`.

null is taken for absent, as UBI's own collectors write it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

Object = Mapping[str, Any]
ID_CHARACTERS = 100
OBJECT_ID_CHARACTERS = 256
MESSAGE_CHARACTERS = 1024
_OLDEST = 631_152_000.0
"""1990-01-01T00:00:00Z: before it nobody searched in an online shop."""


class Fault(Exception):
    """Why one record cannot be used, and the field it is about."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


def size(record: object) -> int:
    """The bytes of a record as JSON.

    Raises:
        Fault: it is not a JSON object, or holds what JSON cannot.
    """
    if not isinstance(record, dict):
        raise Fault("", f"a record is a JSON object, not {_name(record)}")
    try:
        content = orjson.dumps(record)
    except orjson.JSONEncodeError as error:
        raise Fault("", f"is not JSON: {error}") from None
    if b"\\u0000" in content:
        raise Fault("", "holds a NUL character; leave it out")
    return len(content)


def text(record: Object, name: str, limit: int | None = ID_CHARACTERS, within: str = "") -> str:
    """A string of at most `limit` characters; "" when absent."""
    value = record.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise Fault(within + name, f"must be a string, not {_name(value)}")
    if limit is not None and len(value) > limit:
        raise Fault(within + name, f"has {len(value)} characters; at most {limit} are allowed")
    return value


def required(record: Object, name: str, limit: int | None = ID_CHARACTERS) -> str:
    """A string that must be there and not empty."""
    value = text(record, name, limit)
    if not value:
        raise Fault(name, "is required" if record.get(name) is None else "must not be empty")
    return value


def identifier(record: Object, name: str, within: str) -> str:
    """A string of at most 256 characters or an integer, as a string; "" when absent."""
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(record, name, OBJECT_ID_CHARACTERS, within)


def inner(record: Object, name: str, within: str = "") -> Object:
    """An object; an empty one when absent."""
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Fault(within + name, f"must be an object, not {_name(value)}")
    return value


def integer(value: object, field: str) -> int:
    """A whole number of at most 32 bits; 3.0 is one, as in JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault(field, f"must be an integer, not {_name(value)}")
    if abs(value) >= 1 << 31:
        raise Fault(field, "is too large for a position or a count")
    return value


def amount(record: Object, name: str, within: str) -> float | None:
    """A finite number of 0 or more; None when absent."""
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fault(within + name, f"must be a number, not {_name(value)}")
    if not math.isfinite(value) or value < 0:
        raise Fault(within + name, f"is {value}; it must be finite and 0 or more")
    return float(value)


def strings(record: Object, name: str, within: str = "") -> tuple[str, ...]:
    """A list of strings; an empty one when absent."""
    values = array(record, name, within)
    if None in values:
        raise Fault(within + name, "must hold strings, not null")
    return tuple(text({name: value}, name, OBJECT_ID_CHARACTERS, within) for value in values)


def array(record: Object, name: str, within: str = "") -> Sequence[Any]:
    """A list; an empty one when absent."""
    value = record.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise Fault(within + name, f"must be an array, not {_name(value)}")
    return value


def timestamp(record: Object, name: str = "timestamp") -> float:
    """ISO 8601 date and time as seconds since 1970; UTC where it names no offset."""
    value = required(record, name, None)
    try:
        if len(value) < 19 or value[10] not in "Tt ":
            raise ValueError
        time = datetime.fromisoformat(value)
        seconds = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Fault(
            name, f"{value[:40]!r} is no ISO 8601 date and time like 2026-03-01T09:30:00Z"
        ) from None
    if seconds < _OLDEST:
        raise Fault(name, f"{value[:40]!r} is before 1990; set the sender's clock")
    return seconds


def iso(time: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds")


def _name(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    names |= {list: "an array", tuple: "an array", dict: "an object", type(None): "null"}
    return names.get(type(value), type(value).__name__)
