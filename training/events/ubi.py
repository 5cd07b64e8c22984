"""UBI 1.3 records (User Behavior Insights, github.com/o19s/ubi): read, checked, written.

Lengths, types and required fields are those of UBI's JSON schemas, with three differences: null is
taken for absent; of `event_attributes`, `position` is required for impressions and clicks only (a
purchase has none); and the ids that join records must be there. UBI has no event id: `event_id` is
ours, an optional string; without it an event is told by its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from search.types import Event, LoggedSearch
from training.events.values import (
    MESSAGE_CHARACTERS,
    Fault,
    Object,
    amount,
    array,
    identifier,
    inner,
    integer,
    iso,
    required,
    strings,
    text,
    timestamp,
)

PERSONAL = frozenset({"user_id", "ip", "ip_address", "email", "browser", "user_agent"})
"""Attributes that are never kept: they tell who somebody is."""
Pseudonym = Callable[[str], str]
"""Turns the shop's client id into the one to keep."""
_NOT_KEPT = PERSONAL | {"object", "position", "dwell_time", "value"}
_POSITIONED = frozenset({"impression", "click"})
_OURS = "aisle"
_TEXTS = (
    ("normalized", None),
    ("session", 100),
    ("system", 100),
    ("model", 100),
    ("snapshot", 100),
    ("experiment", 100),
    ("arm", 100),
    ("exploration", 100),
    ("feature_version", 100),
)


def content_id(record: Object) -> str:
    """An id made of what a record says, so that the same record sent again has the same."""
    content = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def parse_event(
    record: Object, pseudonym: Pseudonym | None = None, *, positioned: bool = True
) -> Event:
    """An event of UBI 1.3; without `pseudonym`, `client` is still the shop's own id. Without
    `positioned`, impressions and clicks need no position either.

    Raises:
        Fault: a field is missing or cannot be used; names it.
    """
    action = required(record, "action_name")
    attributes = inner(record, "event_attributes")
    product, position, rest = _attributes(attributes, positioned and action in _POSITIONED)
    kind = text(record, "message_type")
    if kind:
        rest["message_type"] = kind
    client = text(record, "client_id") or text(record, "user_id")
    return Event(
        id=text(record, "event_id") or content_id(record),
        action=action,
        time=timestamp(record),
        search=text(record, "query_id"),
        client=pseudonym(client) if pseudonym and client else client,
        session=text(record, "session_id"),
        application=text(record, "application"),
        query=text(record, "user_query", None),
        product=product,
        position=position,
        dwell=amount(attributes, "dwell_time", "event_attributes."),
        value=amount(attributes, "value", "event_attributes."),
        message=text(record, "message", MESSAGE_CHARACTERS),
        attributes=rest,
    )


def _attributes(given: Object, positioned: bool) -> tuple[str, int | None, dict[str, Any]]:
    """The product, the position and whatever else is to be kept of `event_attributes`."""
    if not given:
        return "", None, {}
    rest = {k: v for k, v in given.items() if k not in _NOT_KEPT}
    where = inner(given, "position", "event_attributes.")
    position, elsewhere = _position(where, positioned)
    what = inner(given, "object", "event_attributes.")
    product = _product(what)
    others = {k: v for k, v in what.items() if k != "object_id"}
    if others:
        rest["object"] = others
    if elsewhere:
        rest["position"] = elsewhere
    return product, position, rest


def _product(what: Object) -> str:
    if not what:
        return ""
    within = "event_attributes.object."
    product = identifier(what, "object_id", within)
    if not product:
        raise Fault(within + "object_id", "is required in an object")
    identifier(what, "internal_id", within)
    text(what, "object_id_type", within=within)
    text(what, "object_id_field", within=within)
    return product


def _position(where: Object, positioned: bool) -> tuple[int | None, dict[str, Any]]:
    ordinal, point = where.get("ordinal"), where.get("xy")
    if ordinal is not None:
        found = integer(ordinal, "event_attributes.position.ordinal")
        return found, {k: v for k, v in where.items() if k != "ordinal"}
    if point is not None:
        within = "event_attributes.position.xy."
        for axis in ("x", "y"):
            value = inner(where, "xy", "event_attributes.position.").get(axis)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Fault(within + axis, "must be a number")
    elif where or positioned:
        raise Fault(
            "event_attributes.position",
            "must be {ordinal: 1 or more} or {xy: {x, y}}; "
            "without its position nothing is learned from it",
        )
    return None, dict(where)


def parse_search(record: Object, pseudonym: Pseudonym | None = None) -> LoggedSearch:
    """A query record of UBI 1.3; without `pseudonym`, `client` is still the shop's own id. What UBI
    has no field for is read from `query_attributes.aisle`, as `search_object` writes it.

    Raises:
        Fault: a field is missing or cannot be used; names it.
    """
    attributes = inner(record, "query_attributes")
    ours = inner(attributes, _OURS, "query_attributes.")
    within = f"query_attributes.{_OURS}."
    products = strings(record, "query_response_hit_ids")
    names = strings(ours, "feature_names", within)
    client = text(record, "client_id")
    rest = {k: v for k, v in attributes.items() if k != _OURS and k not in PERSONAL}
    for name in ("query_response_id", "object_id_field"):
        if text(record, name):
            rest[name] = record[name]
    return LoggedSearch(
        id=text(record, "query_id") or content_id(record),
        time=timestamp(record),
        query=text(record, "user_query", None) if "user_query" in record else _no_query(),
        products=products,
        client=pseudonym(client) if pseudonym and client else client,
        application=text(record, "application"),
        first=integer(ours.get("first", 1), within + "first"),
        total=integer(ours.get("total", len(products)), within + "total"),
        teams=strings(ours, "teams", within),
        propensities=_numbers(ours, "propensities", within),
        feature_names=names,
        features=_features(ours, len(products), len(names)),
        attributes=rest,
        **{name: text(ours, name, limit, within) for name, limit in _TEXTS},
    )


def _no_query() -> str:
    raise Fault("user_query", "is required")


def _numbers(record: Object, name: str, within: str) -> tuple[float, ...]:
    return tuple(
        amount({name: value}, name, within) or 0.0 for value in array(record, name, within)
    )


def _features(ours: Object, products: int, names: int) -> NDArray[np.float32] | None:
    rows = ours.get("features")
    if rows is None:
        return None
    field = f"query_attributes.{_OURS}.features"
    try:
        features = np.array(rows, np.float32)  # null becomes NaN
    except (ValueError, TypeError):
        raise Fault(field, "must be rows of numbers or null") from None
    if features.shape != (products, names):
        raise Fault(field, f"must be {products} rows of {names} numbers, as the hits and names are")
    return features


def event_object(event: Event) -> dict[str, Any]:
    """An event as UBI 1.3 has it."""
    attributes = dict(event.attributes)
    kind = attributes.pop("message_type", None)
    what = {"object_id": event.product} if event.product else {}
    what |= attributes.pop("object", {})
    where = {} if event.position is None else {"ordinal": event.position}
    where |= attributes.pop("position", {})
    attributes |= _filled(
        {"object": what, "position": where, "dwell_time": event.dwell, "value": event.value}
    )
    return {
        "action_name": event.action,
        "timestamp": iso(event.time),
        **_filled(
            {
                "event_id": event.id,
                "query_id": event.search,
                "client_id": event.client,
                "session_id": event.session,
                "application": event.application,
                "user_query": event.query,
                "message_type": kind,
                "message": event.message,
                "event_attributes": attributes,
            }
        ),
    }


def search_object(logged: LoggedSearch) -> dict[str, Any]:
    """A logged search as UBI 1.3 has it."""
    features = logged.features
    ours = _filled(
        {
            "first": logged.first,
            "total": logged.total,
            "teams": logged.teams,
            "propensities": logged.propensities,
            "feature_names": logged.feature_names,
            **{name: getattr(logged, name) for name, _ in _TEXTS},
        }
    )
    if features is not None:
        ours["features"] = [[None if np.isnan(v) else float(v) for v in row] for row in features]
    attributes = dict(logged.attributes)
    named: dict[str, Any] = {
        name: attributes.pop(name)
        for name in ("query_response_id", "object_id_field")
        if name in attributes
    }
    return {
        "user_query": logged.query,
        "timestamp": iso(logged.time),
        "query_response_hit_ids": list(logged.products),
        **named,
        **_filled(
            {
                "query_id": logged.id,
                "client_id": logged.client,
                "application": logged.application,
                "query_attributes": {**attributes, _OURS: ours},
            }
        ),
    }


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not _empty(value)}


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, str | tuple | dict) and not value)


def ndjson(records: Iterable[Mapping[str, Any]]) -> bytes:
    """Records as JSON, one a line."""
    return b"".join(orjson.dumps(record) + b"\n" for record in records)
