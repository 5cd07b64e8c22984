"""Events and searches to test with, and the processes that write them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from search.types import Event, LoggedSearch
from training.events.tables import open_tables

NOON = 1_767_268_800.0
"""2026-01-01T12:00:00Z."""
ROOT = Path(__file__).parents[3]


def ubi(**changes: Any) -> dict[str, Any]:
    """A click in UBI 1.3; None takes a field away."""
    record = {
        "event_id": "e1",
        "action_name": "click",
        "timestamp": "2026-01-01T12:00:00Z",
        "query_id": "q1",
        "client_id": "anna",
        "session_id": "s1",
        "user_query": "red shoes",
        "event_attributes": {"object": {"object_id": "p1"}, "position": {"ordinal": 2}},
        **changes,
    }
    return {name: value for name, value in record.items() if value is not None}


def attributes(**changes: Any) -> dict[str, Any]:
    """Event attributes; a click of p1 at 2 unless changed."""
    return {"object": {"object_id": "p1"}, "position": {"ordinal": 2}, **changes}


def event(name: str, time: float = NOON, **changes: Any) -> Event:
    """An event with an id."""
    given: dict[str, Any] = {
        "action": "click", "search": "q1", "client": "c1", "product": "p1", "position": 1, **changes
    }  # fmt: skip
    return Event(id=name, time=time, **given)


def logged(name: str, time: float = NOON, **changes: Any) -> LoggedSearch:
    """A search with an id."""
    given: dict[str, Any] = {"query": "red shoes", "products": ("p1", "p2"), **changes}
    return LoggedSearch(id=name, time=time, **given)


def ids(data: Path) -> list[str]:
    """The ids of all events that are read from a log, sorted."""
    with open_tables([data], threads=1) as connection:
        found = connection.execute("SELECT event_id FROM events ORDER BY 1").fetchall()
    return [row[0] for row in found]


def write_ndjson(path: Path, *records: Any) -> Path:
    """A file of records, a line each."""
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return path


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that runs some Python."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
