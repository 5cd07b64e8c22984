"""Older and other event formats as UBI 1.3: what each record was, and the record it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.events.values import Fault, Object, iso

Record = dict[str, Any]
Notes = set[str]
"""What of a record was not UBI 1.3, in words for people."""

ALIASES: Mapping[str, str] = {"item_click": "click"}
"""Names of actions that mean one of UBI's own."""

_BULK = frozenset({"index", "create", "update", "delete"})
_NESTED = ("query_id", "client_id", "session_id", "user_id", "user_query", "application")
_MILLISECONDS_FROM = 1e11
"""Numbers from here on are milliseconds since 1970 (1973 on), smaller ones seconds."""
_METARANK = frozenset({"item", "user", "ranking", "interaction"})
_QUERY_FIELDS = ("query", "q", "search", "search_query", "text")


def bulk_action(record: object) -> Record | None:
    """What a `_bulk` action line says of the document in the line after it, else None."""
    if isinstance(record, dict) and len(record) == 1:
        name, value = next(iter(record.items()))
        if name in _BULK and isinstance(value, dict):
            return value
    return None


def is_metarank(record: Object) -> bool:
    """Whether a record is a Metarank event."""
    return record.get("event") in _METARANK and "action_name" not in record


def is_event(record: Object) -> bool:
    """Whether a record is a UBI event rather than a UBI query."""
    return "action_name" in record


def is_query(record: Object) -> bool:
    """Whether a record is a UBI query, of any dialect."""
    return any(
        name in record
        for name in ("user_query", "query_response_hit_ids", "query_response_object_ids")
    )


def modern_event(given: Object, notes: Notes, aliases: Mapping[str, str] = ALIASES) -> Record:
    """A UBI event of any dialect as one of 1.3; `notes` learns what was older."""
    record = dict(given)
    _time(record, notes)
    attributes = record.get("event_attributes")
    if isinstance(attributes, dict):
        record["event_attributes"] = attributes = dict(attributes)
        _lift(record, attributes, notes)
        _position(attributes, notes)
        _object(attributes, notes)
    action = record.get("action_name")
    if isinstance(action, str) and action in aliases:
        record["action_name"] = aliases[action]
        notes.add(f"{action} read as {aliases[action]}")
    return record


def modern_query(given: Object, notes: Notes) -> Record:
    """A UBI query of any dialect as one of 1.3."""
    record = dict(given)
    _time(record, notes)
    if "query_response_object_ids" in record:
        ids = record.pop("query_response_object_ids")
        record.setdefault("query_response_hit_ids", ids)
        notes.add("query_response_object_ids (before 1.1)")
    hits = record.get("query_response_hit_ids")
    if isinstance(hits, list) and any(isinstance(hit, int) for hit in hits):
        record["query_response_hit_ids"] = [str(hit) for hit in hits]
        notes.add("hit ids as numbers")
    attributes = record.get("query_attributes")
    if isinstance(attributes, dict):
        record["query_attributes"] = attributes = dict(attributes)
        _lift(record, attributes, notes)
    return record


def _time(record: Record, notes: Notes) -> None:
    value = record.get("timestamp")
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    milliseconds = abs(value) >= _MILLISECONDS_FROM
    notes.add(f"timestamps in {'milliseconds' if milliseconds else 'seconds'} since 1970")
    try:
        record["timestamp"] = iso(value / 1000 if milliseconds else value)
    except (OverflowError, ValueError, OSError):
        raise Fault("timestamp", f"is {value}, which is no time") from None


def _lift(record: Record, attributes: Record, notes: Notes) -> None:
    for name in _NESTED:
        if not record.get(name) and isinstance(attributes.get(name), str):
            record[name] = attributes.pop(name)
            notes.add(f"{name} inside of the attributes (1.0)")


def _position(attributes: Record, notes: Notes) -> None:
    where = attributes.get("position")
    if isinstance(where, int) and not isinstance(where, bool):
        where = {"ordinal": where}
        notes.add("position as a bare number")
    if not isinstance(where, dict):
        return
    where = dict(where)
    ordinal = where.get("ordinal")
    if isinstance(ordinal, dict):
        where["ordinal"] = ordinal.get("index")
        notes.add("position.ordinal.index (1.0)")
    if where.get("ordinal") is None:
        where.pop("ordinal", None)
        if "xy" not in where and where:
            attributes["place"] = where  # 1.0 kept page depth, trail and scrolling here
            where = {}
            notes.add("positions without ordinal or xy (1.0), kept as attribute `place`")
    attributes["position"] = where


def _object(attributes: Record, notes: Notes) -> None:
    what = attributes.get("object")
    if isinstance(what, dict) and what and what.get("object_id") is None:
        attributes["details"] = attributes.pop("object")
        notes.add("objects without object_id (1.0), kept as attribute `details`")


def _metarank_time(record: Object, notes: Notes) -> Any:
    moment = {"timestamp": record.get("timestamp")}
    _time(moment, notes)
    return moment["timestamp"]


def metarank_query(record: Object, notes: Notes) -> Record:
    """A Metarank ranking as a UBI query: its items are the hits."""
    notes.add("Metarank rankings")
    items = record.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Fault("items", "must be an array of objects with an id")
    return {
        "user_query": _field(record, _QUERY_FIELDS),
        "query_id": record.get("id"),
        "timestamp": _metarank_time(record, notes),
        "client_id": record.get("user"),
        "application": record.get("tenant") or "metarank",
        "query_response_hit_ids": [item.get("id") for item in items],
        "query_attributes": {"aisle": {"session": record.get("session") or ""}},
    }


def metarank_event(record: Object, notes: Notes, aliases: Mapping[str, str] = ALIASES) -> Record:
    """A Metarank interaction as a UBI event. It has no position: that comes from its ranking."""
    notes.add("Metarank interactions; positions taken from their rankings")
    action = record.get("type")
    if not record.get("item"):
        raise Fault("item", "is required")
    return {
        "event_id": record.get("id"),
        "action_name": aliases.get(action, action) if isinstance(action, str) else action,
        "query_id": record.get("ranking"),
        "timestamp": _metarank_time(record, notes),
        "client_id": record.get("user"),
        "session_id": record.get("session"),
        "application": record.get("tenant") or "metarank",
        "event_attributes": {"object": {"object_id": record["item"]}},
    }


def _field(record: Object, names: tuple[str, ...]) -> str:
    fields = record.get("fields")
    if not isinstance(fields, list):
        return ""
    found = {f.get("name"): f.get("value") for f in fields if isinstance(f, dict)}
    return next((str(found[name]) for name in names if found.get(name)), "")
