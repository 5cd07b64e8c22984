"""Rows on their way into DuckDB: segments, or anything else, as one file of JSON a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from training.events.database import listed, quoted
from training.events.frames import Damage, Kind, read_frames
from training.events.layout import TABLES
from training.events.schema import COLUMNS, struct

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY = "strftime(make_timestamp((time * 1000000)::BIGINT), '%Y-%m-%d')"
"""The day (UTC) of a row, in SQL."""

KEYS = {"searches": "search_id, first", "events": "event_id", "quarantined": "event_id"}
"""What tells two rows of a table from one that was sent twice."""

FIRST_OF = {
    "searches": "PARTITION BY search_id, first ORDER BY len(products) DESC, time",
    "events": "PARTITION BY event_id ORDER BY time",
    "quarantined": "PARTITION BY event_id ORDER BY time",
}
"""Which of the rows with one id counts: the first, and of searches the one with most products."""


@dataclass(slots=True)
class Spooled:
    """What segments held: their counts, and what of them was damaged, by segment."""

    counts: Counter[str] = field(default_factory=Counter)
    damage: dict[Path, Damage] = field(default_factory=dict)


def spool_segments(segments: Sequence[Path], folder: Path) -> Spooled:
    """Writes the rows of segments to `folder/<table>.ndjson`.

    Raises:
        FileNotFoundError: a segment was compacted meanwhile.
    """
    spooled = Spooled()
    with ExitStack() as stack:
        files = {
            name: stack.enter_context((folder / f"{name}.ndjson").open("wb")) for name in TABLES
        }
        for segment in segments:
            damage = Damage()
            for kind, payload in read_frames(segment, damage):
                if kind is Kind.counts:
                    spooled.counts.update(orjson.loads(payload))
                else:
                    files[kind.name].write(payload)
            if damage.torn or damage.corrupt:
                spooled.damage[segment] = damage
    return spooled


def load(
    connection: DuckDBPyConnection, table: str, folder: Path, name: str, *, source: bool = False
) -> None:
    """Makes the table `name` of `folder/<table>.ndjson`, each id once; with the column `source`
    (VARCHAR) where asked for."""
    columns = ", ".join(_column(column) for column in COLUMNS[table])
    kinds = struct(table)
    if source:
        columns, kinds = f"{columns}, source", kinds.replace("{", "{'source': 'VARCHAR', ", 1)
    path = quoted(folder / f"{table}.ndjson")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns} FROM read_json({path}, "
        f"format = 'newline_delimited', columns = {kinds}, "
        f"maximum_object_size = 67108864) QUALIFY row_number() OVER ({FIRST_OF[table]}) = 1"
    )


def parquet(table: str, files: Sequence[Path]) -> str:
    """The rows of Parquet files, in SQL."""
    columns = ", ".join(f'"{name}"' for name in COLUMNS[table])
    return (
        f"SELECT {columns} FROM read_parquet({listed(files)}, hive_partitioning = false, "
        "union_by_name = true)"
    )


def leave_known_out(connection: DuckDBPyConnection, table: str, name: str, old: str) -> int:
    """Deletes the rows of the table `name` whose ids `old` (a query) has already; how many.

    The larger side is only read past: what is kept in memory are the ids of the smaller one.
    """
    keys = KEYS[table]
    deleted = connection.execute(
        f"DELETE FROM {name} WHERE ({keys}) IN "
        f"(SELECT ({keys}) FROM ({old}) SEMI JOIN {name} USING ({keys}))"
    ).fetchone()
    return int(deleted[0]) if deleted else 0


def _column(name: str) -> str:
    if name == "features":  # JSON has no NaN
        return "list_transform(features, lambda x: coalesce(x, 'nan'::FLOAT)) AS features"
    return f'"{name}"'
