"""The event log as tables of DuckDB: the one way in for everything that learns."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import BadInput
from training.events.database import connect, listed, reading
from training.events.fraud import FraudRules, create_flagged
from training.events.layout import TABLES, LogLayout, find_log, segment_paths
from training.events.manifest import Manifest, read_manifest
from training.events.schema import COLUMNS
from training.events.spool import leave_known_out, load, parquet, spool_segments

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Part:
    """One relation that a view is made of, as SQL."""

    table: str
    sql: str


def open_tables(
    paths: Sequence[Path],
    *,
    memory: str = "4GB",
    threads: int | None = None,
    rules: FraudRules | None = None,
) -> DuckDBPyConnection:
    """A database with the views `searches`, `events` and `quarantined` (columns: `schema`), over
    everything in `paths`; close it when done.

    A path is a data directory or its `events` (compacted and not yet compacted rows, each id once),
    a directory with `searches/` and `events/` that hold Parquet files, one Parquet file, or a file
    of UBI or Metarank events (imported to memory; see `training.events.importing`).

    Also the view `flagged` (see `training.events.fraud`), and `clean_searches` and `clean_events`
    without the rows of flagged clients: what learners read. `training.events.fraud.flag` settles
    `flagged` once where it is asked for often.

    Raises:
        BadInput: a path is missing, holds no events, or cannot be read.
    """
    if not paths:
        raise BadInput("name a data directory or a file of events", field="events")
    connection = connect(memory, threads)
    try:
        with reading():
            parts = [
                part
                for number, path in enumerate(dict.fromkeys(path.resolve() for path in paths))
                for part in _parts(connection, path, number)
            ]
            for table in TABLES:
                _create_view(connection, table, [p.sql for p in parts if p.table == table])
            create_flagged(connection, rules or FraudRules())
    except BaseException:
        connection.close()
        raise
    return connection


def _create_view(connection: DuckDBPyConnection, table: str, parts: list[str]) -> None:
    nothing = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in COLUMNS[table].items())
    union = " UNION ALL ".join(parts or [f"SELECT {nothing} WHERE false"])
    connection.execute(f"CREATE VIEW {table} AS {union}")


def _parts(connection: DuckDBPyConnection, path: Path, number: int) -> list[_Part]:
    if not path.exists():
        raise BadInput(f"there is no {path}; name a data directory or a file of events")
    if path.is_dir():
        layout = find_log(path)
        parts = _log_parts(connection, layout, number) if layout else _plain_parts(path)
        if not parts:
            raise BadInput(
                f"{path} holds no events: neither a log (manifest.json, segments/) nor searches/ "
                "and events/ with Parquet files"
            )
        return parts
    if path.suffix == ".parquet":
        return [_parquet_file(connection, path)]
    return _imported_parts(connection, path, number)


def _plain_parts(path: Path) -> list[_Part]:
    found = {table: sorted((path / table).rglob("*.parquet")) for table in TABLES}
    return [_Part(table, parquet(table, files)) for table, files in found.items() if files]


def _parquet_file(connection: DuckDBPyConnection, path: Path) -> _Part:
    found = connection.execute(f"SELECT * FROM read_parquet({listed([path])}) LIMIT 0").description
    names = {column[0] for column in found}
    for table in ("quarantined", "events", "searches"):
        if names >= set(COLUMNS[table]):
            return _Part(table, parquet(table, [path]))
    nearest = "searches" if "products" in names else "events"
    missing = next(name for name in COLUMNS[nearest] if name not in names)
    raise BadInput(
        f"{path} has no column {missing!r}, which a table of {nearest} has; see docs/learning/"
        "events.md for the columns",
        field=missing,
    )


def _log_parts(connection: DuckDBPyConnection, layout: LogLayout, number: int) -> list[_Part]:
    """Reads the manifest, then the segments that it does not cover; again when one of these was
    compacted in between."""
    for attempt in range(_ATTEMPTS):
        manifest = read_manifest(layout)
        done = set(manifest.compacted)
        segments = [path for path in segment_paths(layout) if path.name not in done]
        try:
            _load_segments(connection, segments, number)
        except FileNotFoundError:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        if read_manifest(layout).files == manifest.files:
            break
    for table in TABLES:
        files = [layout.root / file.path for file in manifest.of(table)]
        if files:
            leave_known_out(connection, table, f"fresh_{table}_{number}", parquet(table, files))
    return [_log_part(layout, manifest, table, number) for table in TABLES]


def _load_segments(connection: DuckDBPyConnection, segments: Sequence[Path], number: int) -> None:
    with tempfile.TemporaryDirectory(prefix="aisle-events-") as folder:
        spool_segments(segments, Path(folder))
        for table in TABLES:
            load(connection, table, Path(folder), f"fresh_{table}_{number}")


def _log_part(layout: LogLayout, manifest: Manifest, table: str, number: int) -> _Part:
    files = [layout.root / file.path for file in manifest.of(table)]
    kept = f"client NOT IN ({_forgotten(manifest)})" if manifest.forgotten else "true"
    columns = ", ".join(f'"{name}"' for name in COLUMNS[table])
    fresh = f"SELECT {columns} FROM fresh_{table}_{number} WHERE {kept}"
    if not files:
        return _Part(table, fresh)
    return _Part(table, f"SELECT * FROM ({parquet(table, files)}) WHERE {kept} UNION ALL {fresh}")


def _forgotten(manifest: Manifest) -> str:
    clients = [client for one in manifest.forgotten for client in one.clients]
    return f"SELECT unnest({listed(clients)})"


def _imported_parts(connection: DuckDBPyConnection, path: Path, number: int) -> list[_Part]:
    from training.events.importing import read_files

    read_files(connection, [path], suffix=f"_{number}")
    return [_Part(table, f"SELECT * FROM read_{table}_{number}") for table in TABLES[:2]]
