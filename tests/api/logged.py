"""What a data directory's event log holds, as learners read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.events.layout import LogLayout
from training.events.tables import open_tables


def rows(data: Path, table: str, order: str = "time") -> list[dict[str, Any]]:
    """The rows of `searches`, `events` or `quarantined`, oldest first; none without a log."""
    if not LogLayout.of(data).exists():
        return []
    connection = open_tables([data])
    try:
        found = connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    finally:
        connection.close()
