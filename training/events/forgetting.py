"""The second half of forgetting a client: files without the rows that are hidden already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from training.events.database import listed, rows
from training.events.layout import TABLES, LogLayout, segment_paths
from training.events.manifest import Forgotten, LogFile, Manifest, read_manifest, write_manifest
from training.events.storing import clear_leftovers, rewrite

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def complete_forgotten(layout: LogLayout, connection: DuckDBPyConnection) -> int:
    """Rewrites the files that hold rows of forgotten clients; drops who is done with. The rows
    deleted. The caller holds the log's lock."""
    manifest = read_manifest(layout)
    before = sum(file.rows for file in manifest.files)
    left = {path.name for path in segment_paths(layout)}
    remaining = []
    for one in manifest.forgotten:
        for table in TABLES:
            files = [file for file in manifest.of(table) if file.path in one.files]
            manifest = _without(layout, connection, manifest, table, files, one.clients)
        segments = tuple(name for name in one.segments if name in left)
        if segments:
            remaining.append(Forgotten(one.clients, (), segments))
    if manifest.forgotten:
        # Files that stay for who has them open hold rows of the forgotten: away with them too.
        write_manifest(layout, replace(manifest, forgotten=tuple(remaining), replaced={}))
        clear_leftovers(layout)
    return before - sum(file.rows for file in manifest.files)


def _without(
    layout: LogLayout,
    connection: DuckDBPyConnection,
    manifest: Manifest,
    table: str,
    files: Sequence[LogFile],
    clients: Sequence[str],
) -> Manifest:
    for file in files:
        path = [layout.root / file.path]
        condition = f"client IN {listed(clients)}"
        held = rows(
            connection, f"SELECT count(*) FROM read_parquet({listed(path)}) WHERE {condition}"
        )
        if held[0][0]:
            manifest = rewrite(layout, connection, manifest, table, [file], f"NOT ({condition})")
    return manifest
