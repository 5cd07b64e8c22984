"""Deleting: one client's rows on request, and everybody's after a time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from training.events.compaction import compact_locked
from training.events.disk import is_locked, locked, storage_errors
from training.events.layout import LogLayout, segment_paths
from training.events.manifest import Forgotten, read_manifest, write_manifest
from training.events.pseudonyms import DAY, drop_salts, read_salts
from training.events.rotation import ask_to_rotate
from training.events.storing import clear_leftovers

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Erased:
    """What forgetting a client did: the rows deleted, the salts they were looked for under, and
    the segments still being written that may hold more (hidden at once, deleted by the next
    compaction after their writer has moved on)."""

    rows: int
    salts: int
    pending: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What retention deleted: rows, days, salts."""

    rows: int
    days: int
    salts: int


def forget(data: Path, client: str, *, wait: float = 5.0, memory: str = "1GB") -> Erased:
    """Deletes every row of a client (the shop's own id) under every kept salt.

    Once it has begun the rows are out of sight for good; killed on the way, the next compaction
    completes it. Waits `wait` seconds for servers to move on to new segments.

    Raises:
        StorageFailed: the disk refused; run it again.
    """
    layout = LogLayout.of(data)
    salts = read_salts(layout.salts)
    if not salts or not layout.exists():
        return Erased(0, len(salts), 0)
    with storage_errors(layout.root), locked(layout.lock):
        manifest = read_manifest(layout)
        segments = tuple(path.name for path in segment_paths(layout))
        clients = tuple(salt.hash(client) for salt in salts)
        files = tuple(file.path for file in manifest.files)
        forgotten = (*manifest.forgotten, Forgotten(clients, files, segments))
        write_manifest(layout, replace(manifest, forgotten=forgotten))
        _await_rotation(layout, wait)
        erased = compact_locked(layout, memory).forgotten
        _remove(layout.damaged.glob("*.bin"))  # nobody can tell whose rows cannot be read
    return Erased(erased, len(salts), _pending(layout))


def _await_rotation(layout: LogLayout, wait: float) -> None:
    ask_to_rotate(layout)
    until = time.monotonic() + wait
    segments = segment_paths(layout)
    while time.monotonic() < until and any(is_locked(path) for path in segments):
        time.sleep(0.05)


def _pending(layout: LogLayout) -> int:
    return len({name for one in read_manifest(layout).forgotten for name in one.segments})


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        path.unlink(missing_ok=True)


def prune(
    data: Path, retention_days: float, *, now: float | None = None, memory: str = "1GB"
) -> Pruned:
    """Deletes the days that ended more than `retention_days` ago, and the salts of rows that are
    all gone.

    Raises:
        StorageFailed: the disk refused; run it again.
    """
    layout = LogLayout.of(data)
    if not layout.exists():
        return Pruned(0, 0, 0)
    oldest = (time.time() if now is None else now) - retention_days * DAY
    first = datetime.fromtimestamp(oldest, UTC).date().isoformat()
    with storage_errors(layout.root), locked(layout.lock):
        compact_locked(layout, memory)
        manifest = read_manifest(layout)
        old = [file for file in manifest.files if file.date < first]
        kept = tuple(file for file in manifest.files if file.date >= first)
        if old:
            write_manifest(layout, replace(manifest, files=kept, replaced={}))
        clear_leftovers(layout)
        _remove(p for p in layout.damaged.glob("*.bin") if p.stat().st_mtime < oldest)
        salts = drop_salts(layout.salts, oldest - DAY) if layout.salts.exists() else 0
    return Pruned(sum(file.rows for file in old), len({file.date for file in old}), salts)
