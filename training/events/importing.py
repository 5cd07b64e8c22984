"""Files of events in any known format as tables: read whole first, judged, and only then kept."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.errors import BadInput
from training.events.database import rows
from training.events.disk import locked, storage_errors
from training.events.findings import find
from training.events.layout import LogLayout
from training.events.ordinals import settle_ordinals
from training.events.reading import Imported, Progress, Reading, Spool
from training.events.spool import load
from training.events.storing import Stored, clear_leftovers, store
from training.events.ubi import Pseudonym

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def read_files(
    connection: DuckDBPyConnection,
    paths: Sequence[Path],
    reading: Reading | None = None,
    *,
    suffix: str = "",
    progress: Progress | None = None,
) -> Imported:
    """Reads files of UBI (any dialect, `_bulk` lines between or not) or Metarank events into the
    tables `read_searches` and `read_events` (with `suffix`).

    Raises:
        BadInput: a file is missing or cut off, nothing in it is an event, or its positions start at
            0 and at 1.
    """
    imported = Imported()
    reading = reading or Reading()
    with tempfile.TemporaryDirectory(prefix="aisle-import-") as folder:
        with Spool(Path(folder), reading, imported) as spool:
            for path in paths:
                spool.read(path, progress)
        _check_any(imported, paths)
        for table in ("searches", "events"):
            load(connection, table, Path(folder), f"read_{table}{suffix}", source=True)
    _settle(connection, imported, reading, suffix)
    return imported


def _check_any(imported: Imported, paths: Sequence[Path]) -> None:
    if imported.searches or imported.events:
        return
    names = ", ".join(str(path) for path in paths)
    if imported.examples:
        place, first = imported.examples[0]
        reason = f"{place}:{first.index}: {first.field} {first.reason}".replace(":  ", ": ")
        raise BadInput(f"{names}: no line could be read as a UBI or Metarank event; {reason}")
    raise BadInput(f"{names}: no events in it; name files of UBI or Metarank events, a JSON a line")


def _settle(
    connection: DuckDBPyConnection, imported: Imported, reading: Reading, suffix: str
) -> None:
    imported.sources, wrong = settle_ordinals(
        connection, f"read_events{suffix}", f"read_searches{suffix}", reading
    )
    if wrong:
        imported.refused["event_attributes.position.ordinal"] += wrong
    before = imported.searches + imported.events - wrong
    imported.searches, imported.events = (
        int(rows(connection, f"SELECT count(*) FROM read_{table}{suffix}")[0][0])
        for table in ("searches", "events")
    )
    imported.duplicates = before - imported.searches - imported.events
    imported.findings = find(connection, f"read_searches{suffix}", f"read_events{suffix}")
    for table in ("searches", "events"):
        connection.execute(f"ALTER TABLE read_{table}{suffix} DROP COLUMN source")


def import_files(
    data: Path,
    connection: DuckDBPyConnection,
    paths: Sequence[Path],
    reading: Reading,
    pseudonym: Pseudonym,
    progress: Progress | None = None,
) -> tuple[Imported, Stored]:
    """Reads files and adds what they hold to the log of a data directory, client ids hashed by
    `pseudonym`: all of it, or nothing is written at all.

    Raises:
        BadInput: as `read_files`; StorageFailed: the disk refused.
    """
    imported = read_files(connection, paths, reading, progress=progress)
    layout = LogLayout.of(data)
    with storage_errors(layout.root), locked(layout.lock):
        _hash_clients(connection, pseudonym)
        clear_leftovers(layout)
        names = {"searches": "read_searches", "events": "read_events"}
        return imported, store(layout, connection, names)


def _hash_clients(connection: DuckDBPyConnection, pseudonym: Pseudonym) -> None:
    connection.create_function("pseudonym", pseudonym, ["VARCHAR"], "VARCHAR")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE hashed AS SELECT client, pseudonym(client) AS hash FROM "
        "(SELECT client FROM read_searches UNION SELECT client FROM read_events) "
        "WHERE client <> ''"
    )
    for table in ("read_searches", "read_events"):
        connection.execute(
            f"UPDATE {table} AS t SET client = h.hash FROM hashed h WHERE t.client = h.client"
        )


def examples_json(imported: Imported) -> list[dict[str, Any]]:
    """The first refused records, for machines."""
    return [
        {"file": place, "line": one.index, "field": one.field, "reason": one.reason}
        for place, one in imported.examples
    ]
