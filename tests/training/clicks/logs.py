"""Small logs, written as the event log keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from training.events.schema import EVENTS, SEARCHES

Rows = Sequence[Mapping[str, Any]]
START = 1_700_006_400.0
"""The first second of a day, UTC."""
DAY = 86_400.0
_TYPES = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "INTEGER": pa.int32(),
    "VARCHAR[]": pa.list_(pa.string()),
    "DOUBLE[]": pa.list_(pa.float64()),
    "FLOAT[]": pa.list_(pa.float32()),
}


def search(number: int, products: Iterable[str], **more: Any) -> dict[str, Any]:
    """The search `s<number>`, answered with one page; a letter is a product."""
    made = {
        "search_id": f"s{number}",
        "time": START + 10.0 * number,
        "query": "red kettle",
        "normalized": "red kettle",
        "client": "anna",
        "session": "",
        "application": "shop",
        "first": 1,
        "products": list(products),
    }
    return made | more


def event(number: int, action: str, of: int, product: str, **more: Any) -> dict[str, Any]:
    """What was done with a product of the search `s<of>`, three seconds after it."""
    made = {
        "event_id": f"e{number}",
        "action": action,
        "time": START + 10.0 * of + 3.0,
        "search_id": f"s{of}",
        "client": "anna",
        "session": "",
        "application": "shop",
        "query": "red kettle",
        "product": product,
    }
    return made | more


def write_log(folder: Path, searches: Rows, events: Rows) -> Path:
    """The log's folder: `searches/` and `events/` with a Parquet file each."""
    for name, columns, rows in (("searches", SEARCHES, searches), ("events", EVENTS, events)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        schema = pa.schema([(column, _TYPES[kind]) for column, kind in columns.items()])
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
        pq.write_table(table, folder / name / "part.parquet")
    return folder
