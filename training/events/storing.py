"""Rows into the log's Parquet files, in one step that either happened or did not."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from search.errors import StorageFailed
from training.events.database import first_line, listed, quoted, rows
from training.events.disk import storage_errors, sync
from training.events.layout import TABLES, LogLayout, segment_paths
from training.events.manifest import LogFile, Manifest, read_manifest, write_manifest
from training.events.spool import DAY, leave_known_out, parquet

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAME_EVENT_DAYS = 8
"""An id is looked for among the rows of so many days around: an event that is sent again carries
the time it had, or one that is not refused as late."""

REPLACED_SECONDS = 3_600.0
"""How long a file stays after its rows went into a larger one: whoever opened the log before that
still reads it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of rows: new ones by table, and those that were there already."""

    rows: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0


def store(
    layout: LogLayout,
    connection: DuckDBPyConnection,
    names: Mapping[str, str],
    *,
    compacted: Sequence[str] = (),
    counts: Mapping[str, int] | None = None,
    offsets: Mapping[str, int] | None = None,
) -> Stored:
    """Adds the rows of the tables `names` (by kind) to the log; the caller holds its lock.

    From the moment the manifest is replaced the rows are in the log, the segments `compacted` are
    not, and streams stand at `offsets`; before it, nothing of this.

    Raises:
        StorageFailed: the disk refused; the log is as before.
    """
    manifest = read_manifest(layout)
    duplicates = 0
    files: list[LogFile] = []
    with refusals(layout.root):
        for table, name in names.items():
            again = _leave_known_out(layout, connection, manifest, table, name)
            duplicates += again if table == "events" else 0
            files += write_days(layout, connection, table, f"SELECT * FROM {name}")
    more = {**(counts or {})}
    more["duplicates"] = more.get("duplicates", 0) + duplicates
    write_manifest(
        layout,
        replace(
            manifest,
            files=(*manifest.files, *files),
            compacted=tuple(dict.fromkeys((*manifest.compacted, *compacted))),
            offsets={**manifest.offsets, **(offsets or {})},
        ).counted(more),
    )
    return Stored(
        {table: sum(file.rows for file in files if file.table == table) for table in names},
        duplicates,
    )


def _leave_known_out(
    layout: LogLayout, connection: DuckDBPyConnection, manifest: Manifest, table: str, name: str
) -> int:
    first, last = rows(connection, f"SELECT min({DAY}), max({DAY}) FROM {name}")[0]
    if first is None:
        return 0
    around = timedelta(days=SAME_EVENT_DAYS)
    low = (date.fromisoformat(first) - around).isoformat()
    high = (date.fromisoformat(last) + around).isoformat()
    near = [layout.root / f.path for f in manifest.of(table) if low <= f.date <= high]
    return leave_known_out(connection, table, name, parquet(table, near)) if near else 0


def write_days(
    layout: LogLayout, connection: DuckDBPyConnection, table: str, query: str
) -> list[LogFile]:
    """Writes the rows of a query as new Parquet files, one a day, durably. They count for nothing
    until the manifest names them."""
    staging = layout.staging / table
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    connection.execute(
        f"COPY (SELECT *, {DAY} AS date FROM ({query})) TO {quoted(staging)} "
        "(FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date))"
    )
    written = sorted(staging.glob("date=*/*.parquet"))
    counted = _counts(connection, written)
    files = []
    for path in written:
        day = path.parent.name
        place = Path(table, day, f"{uuid4().hex}.parquet")
        _publish(path, layout.root / place)
        files.append(LogFile(table, place.as_posix(), day.removeprefix("date="), counted[path]))
    return files


def _counts(connection: DuckDBPyConnection, paths: Sequence[Path]) -> dict[Path, int]:
    if not paths:
        return {}
    found = rows(
        connection, f"SELECT file_name, num_rows FROM parquet_file_metadata({listed(paths)})"
    )
    return {Path(name): count for name, count in found}


def _publish(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    sync(path)
    path.replace(place)
    for folder in (place.parent, place.parent.parent, place.parent.parent.parent):
        sync(folder)


def rewrite(
    layout: LogLayout,
    connection: DuckDBPyConnection,
    manifest: Manifest,
    table: str,
    files: Sequence[LogFile],
    where: str = "true",
) -> Manifest:
    """The manifest with the rows of `files` that `where` keeps in new files instead."""
    old = parquet(table, [layout.root / file.path for file in files])
    new = write_days(layout, connection, table, f"SELECT * FROM ({old}) WHERE {where}")
    kept = [file for file in manifest.files if file not in set(files)]
    return replace(manifest, files=(*kept, *new))


def clear_leftovers(layout: LogLayout) -> None:
    """Removes what does not count: what a dead process left, Parquet files that the manifest does
    not name, segments whose rows it has. The caller holds the lock."""
    manifest = read_manifest(layout)
    oldest = time.time() - REPLACED_SECONDS
    kept = {path: since for path, since in manifest.replaced.items() if since >= oldest}
    with storage_errors(layout.root):
        shutil.rmtree(layout.staging, ignore_errors=True)
        named = {layout.root / path for path in (*(f.path for f in manifest.files), *kept)}
        for table in TABLES:
            _remove(path for path in (layout.root / table).rglob("*.parquet") if path not in named)
        done = set(manifest.compacted)
        _remove(path for path in segment_paths(layout) if path.name in done)
    if manifest.compacted or len(kept) < len(manifest.replaced):
        write_manifest(layout, replace(manifest, compacted=(), replaced=kept))


def _remove(paths: Iterable[Path]) -> None:
    folders = set()
    for path in list(paths):
        path.unlink(missing_ok=True)
        folders.add(path.parent)
    for folder in folders:
        sync(folder)


@contextmanager
def refusals(place: Path) -> Iterator[None]:
    """Turns the disk's refusals, Python's or DuckDB's, into `StorageFailed`."""
    import duckdb

    try:
        with storage_errors(place):
            yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StorageFailed(
            f"cannot write {place}: {first_line(error)}; free some space and run this again"
        ) from error
