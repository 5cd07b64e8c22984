"""Searches and events as rows of their tables, in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import orjson

from search.types import Event, LoggedSearch
from training.events.seams import Quarantined

_ROW = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
_ATTRIBUTES = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def event_row(event: Event) -> dict[str, Any]:
    """The row of `schema.EVENTS` that an event is."""
    return {
        "event_id": event.id,
        "action": event.action,
        "time": event.time,
        "search_id": event.search,
        "client": event.client,
        "session": event.session,
        "application": event.application,
        "query": event.query,
        "product": event.product,
        "position": event.position,
        "dwell": event.dwell,
        "value": event.value,
        "message": event.message,
        "attributes": _json(event.attributes),
    }


def search_row(logged: LoggedSearch) -> dict[str, Any]:
    """The row of `schema.SEARCHES` that a logged search is."""
    return {
        "search_id": logged.id,
        "time": logged.time,
        "query": logged.query,
        "normalized": logged.normalized,
        "client": logged.client,
        "session": logged.session,
        "application": logged.application,
        "system": logged.system,
        "model": logged.model,
        "snapshot": logged.snapshot,
        "experiment": logged.experiment,
        "arm": logged.arm,
        "exploration": logged.exploration,
        "first": logged.first,
        "total": logged.total,
        "products": logged.products,
        "propensities": logged.propensities,
        "teams": logged.teams,
        "feature_version": logged.feature_version,
        "feature_names": logged.feature_names,
        # orjson takes contiguous arrays only; NaN becomes null, and NaN again when read.
        "features": None if logged.features is None else np.ravel(logged.features),
        "attributes": _json(logged.attributes),
    }


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON, one a line."""
    return b"".join(orjson.dumps(row, option=_ROW) for row in rows)


def _json(attributes: Mapping[str, Any]) -> str:
    if not attributes:
        return "{}"
    return orjson.dumps(dict(attributes), option=_ATTRIBUTES).decode()


def quarantined_row(one: Quarantined) -> dict[str, Any]:
    """The row of `schema.QUARANTINED` that an event set aside is."""
    return {**event_row(one.event), "field": one.field, "reason": one.reason}
