"""What a log holds, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from training.events.database import rows
from training.events.findings import Finding, find, to_look_at
from training.events.frames import Damage, Kind, read_frames
from training.events.fraud import flag
from training.events.layout import find_log, segment_paths
from training.events.manifest import read_manifest
from training.events.spool import DAY

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TOP = 20
"""Positions that are shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """One position: how often something was seen and clicked there."""

    position: int
    impressions: int
    clicks: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How a log lies on disk, and what it counted: duplicates found, searches dropped since they
    came too fast, bytes torn (never acknowledged) and corrupt."""

    files: int
    segments: int
    bytes: int
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """`days` are events by day (UTC); `flagged` how many shoppers broke each rule, `excluded` how
    many events of theirs are left out; `quarantined` how many events by field."""

    searches: int
    events: int
    queries: int
    clients: int
    actions: dict[str, int]
    days: dict[str, int]
    places: list[Place]
    flagged: dict[str, int]
    excluded: int
    quarantined: dict[str, int]
    findings: list[Finding]
    kept: Kept | None


def stats_of(connection: DuckDBPyConnection, paths: Sequence[Path]) -> Stats:
    """The figures of opened tables (`training.events.tables.open_tables` of `paths`)."""
    flagged = flag(connection)
    clean = _one(connection, "SELECT count(*) FROM clean_events")
    events = _one(connection, "SELECT count(*) FROM events")
    texts = (
        "SELECT lower(trim(query)) AS q FROM searches UNION SELECT lower(trim(query)) FROM events"
    )
    return Stats(
        searches=_one(connection, "SELECT count(*) FROM searches"),
        events=events,
        queries=_one(connection, f"SELECT count(*) FROM ({texts}) WHERE q <> ''"),
        clients=_one(connection, "SELECT count(DISTINCT client) FROM events WHERE client <> ''"),
        actions=_counts(connection, "action", "events", "count(*) DESC, 1"),
        days=_counts(connection, DAY, "events"),
        places=_places(connection),
        flagged=flagged,
        excluded=events - clean,
        quarantined=_counts(connection, "field", "quarantined"),
        findings=[
            *find(connection, "searches", "events"),
            *to_look_at(connection, "searches", "events"),
        ],
        kept=_kept(paths),
    )


def _one(connection: DuckDBPyConnection, sql: str) -> int:
    return int(rows(connection, sql)[0][0])


def _counts(
    connection: DuckDBPyConnection, value: str, table: str, order: str = "1"
) -> dict[str, int]:
    found = rows(connection, f"SELECT {value}, count(*) FROM {table} GROUP BY 1 ORDER BY {order}")
    return {str(name): int(count) for name, count in found}


def _places(connection: DuckDBPyConnection) -> list[Place]:
    found = rows(
        connection,
        "SELECT position, count(*) FILTER (action = 'impression'), "
        "count(*) FILTER (action = 'click') FROM clean_events "
        f"WHERE position <= {_TOP} AND action IN ('impression', 'click') GROUP BY 1 ORDER BY 1",
    )
    return [Place(*row) for row in found]


def _kept(paths: Sequence[Path]) -> Kept | None:
    """Of the logs among `paths`; None when there is none."""
    layouts = [layout for path in paths if path.is_dir() and (layout := find_log(path))]
    if not layouts:
        return None
    counts: Counter[str] = Counter()
    files: list[Path] = []
    segments: list[Path] = []
    for layout in layouts:
        manifest = read_manifest(layout)
        counts.update(manifest.counts)
        files += [layout.root / file.path for file in manifest.files]
        fresh = [path for path in segment_paths(layout) if path.name not in manifest.compacted]
        segments += fresh
        for segment in fresh:
            counts.update(_segment_counts(segment))
    size = sum(path.stat().st_size for path in (*files, *segments))
    return Kept(len(files), len(segments), size, dict(counts))


def _segment_counts(segment: Path) -> Counter[str]:
    damage = Damage()
    counts: Counter[str] = Counter()
    for kind, payload in read_frames(segment, damage):
        if kind is Kind.counts:
            counts.update(orjson.loads(payload))
    lost = {
        "torn_bytes": damage.torn,
        "corrupt_bytes": sum(end - start for start, end in damage.corrupt),
    }
    counts.update({name: count for name, count in lost.items() if count})
    return counts
