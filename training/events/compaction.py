"""Closed segments into Parquet files by day, each id once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.events.database import connect, listed, rows
from training.events.disk import locked, storage_errors
from training.events.forgetting import complete_forgotten
from training.events.frames import Damage
from training.events.layout import TABLES, LogLayout
from training.events.manifest import LogFile, read_manifest, write_manifest
from training.events.rotation import ask_to_rotate
from training.events.segments import closed_segments
from training.events.spool import Spooled, load, spool_segments
from training.events.storing import clear_leftovers, refusals, rewrite, store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress = Callable[[str, int, int | None], None]

_MOST_FILES = 8
"""Files of one day and table beyond which they become one."""
_CHUNK_BYTES = 1_000_000_000
"""Segments that are taken together; each such step is whole by itself."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: segments taken, new rows by table, events that were there already,
    rows of forgotten clients deleted, and bytes that could not be read: `torn` at the end of a
    segment whose writer died (never acknowledged), `corrupt` in the middle (kept in `damaged/`)."""

    segments: int = 0
    searches: int = 0
    events: int = 0
    quarantined: int = 0
    duplicates: int = 0
    forgotten: int = 0
    torn: int = 0
    corrupt: int = 0

    def plus(self, other: Compacted) -> Compacted:
        """Both together."""
        return Compacted(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))


def compact(
    data: Path, *, memory: str = "1GB", rotate: bool = True, progress: Progress | None = None
) -> Compacted:
    """Takes every closed segment of a data directory into Parquet; `rotate` asks writers to close
    theirs, for the next time. Safe while servers write, and to be killed at any moment.

    Raises:
        StorageFailed: the disk refused; the log is as it was before the last whole step.
    """
    layout = LogLayout.of(data)
    if not layout.exists():
        return Compacted()
    with storage_errors(layout.root), locked(layout.lock):
        if rotate:
            ask_to_rotate(layout)
        return compact_locked(layout, memory, progress)


def compact_locked(
    layout: LogLayout, memory: str = "1GB", progress: Progress | None = None
) -> Compacted:
    """`compact`, for who holds the log's lock."""
    clear_leftovers(layout)
    segments = closed_segments(layout)
    done = Compacted()
    with connect(memory) as connection:
        for chunk in _chunks(segments):
            if progress:
                progress("compacting", done.segments, len(segments))
            done = done.plus(_take(layout, connection, chunk))
            clear_leftovers(layout)
        with refusals(layout.root):
            done = done.plus(Compacted(forgotten=complete_forgotten(layout, connection)))
            _merge(layout, connection)
    clear_leftovers(layout)
    if progress and segments:
        progress("compacting", len(segments), len(segments))
    return done


def _chunks(segments: Sequence[Path]) -> Iterator[list[Path]]:
    chunk: list[Path] = []
    size = 0
    for segment in segments:
        chunk.append(segment)
        size += segment.stat().st_size
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _take(layout: LogLayout, connection: DuckDBPyConnection, segments: list[Path]) -> Compacted:
    """One whole step: the rows of some segments, and the manifest that says so."""
    names = {table: f"fresh_{table}" for table in TABLES}
    folder = layout.staging / "rows"
    with refusals(layout.root):
        folder.mkdir(parents=True, exist_ok=True)
        spooled = spool_segments(segments, folder)
        sent = _count_lines(folder / "events.ndjson")
        for table, name in names.items():
            load(connection, table, folder, name)
        twice = sent - int(rows(connection, "SELECT count(*) FROM fresh_events")[0][0])
        forgotten = _leave_forgotten_out(layout, connection, segments, names)
        torn, corrupt = _keep_damage(layout, spooled)
    counts = {**spooled.counts, "torn_bytes": torn, "corrupt_bytes": corrupt}
    counts["duplicates"] = counts.get("duplicates", 0) + twice
    stored = store(
        layout, connection, names, compacted=[path.name for path in segments], counts=counts
    )
    again = stored.duplicates + twice
    return Compacted(len(segments), **stored.rows, duplicates=again, forgotten=forgotten).plus(
        Compacted(torn=torn, corrupt=corrupt)
    )


def _count_lines(path: Path) -> int:
    with path.open("rb") as opened:
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(1 << 20), b""))


def _leave_forgotten_out(
    layout: LogLayout,
    connection: DuckDBPyConnection,
    segments: Sequence[Path],
    names: dict[str, str],
) -> int:
    taken = {path.name for path in segments}
    forgotten = read_manifest(layout).forgotten
    clients = [name for one in forgotten if taken & {*one.segments} for name in one.clients]
    if not clients:
        return 0
    return sum(
        int(rows(connection, f"DELETE FROM {name} WHERE client IN {listed(clients)}")[0][0])
        for name in names.values()
    )


def _keep_damage(layout: LogLayout, spooled: Spooled) -> tuple[int, int]:
    """Copies what was corrupt to `damaged/`; the bytes that were torn, and corrupt."""
    torn = sum(damage.torn for damage in spooled.damage.values())
    corrupt = 0
    for segment, damage in spooled.damage.items():
        corrupt += _copy_corrupt(layout, segment, damage)
    return torn, corrupt


def _copy_corrupt(layout: LogLayout, segment: Path, damage: Damage) -> int:
    content = segment.read_bytes() if damage.corrupt else b""
    for start, end in damage.corrupt:
        layout.damaged.mkdir(exist_ok=True, mode=0o700)
        (layout.damaged / f"{segment.stem}-{start}.bin").write_bytes(content[start:end])
    return sum(end - start for start, end in damage.corrupt)


def _merge(layout: LogLayout, connection: DuckDBPyConnection) -> None:
    """Makes one file of a day's many small ones."""
    manifest = read_manifest(layout)
    days: dict[tuple[str, str], list[LogFile]] = {}
    for file in manifest.files:
        days.setdefault((file.table, file.date), []).append(file)
    for (table, _), files in days.items():
        if len(files) > _MOST_FILES:
            manifest = rewrite(layout, connection, manifest, table, files)
            now = dict.fromkeys((file.path for file in files), time.time())
            manifest = replace(manifest, replaced={**manifest.replaced, **now})
            write_manifest(layout, manifest)
