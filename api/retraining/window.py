"""Which days are learned from, and which are held out: whole days (UTC) of a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.whole_days import DAY, whole_days
from search.errors import BadInput
from training.events.tables import open_tables

_FINGERPRINT = """
SELECT count(*), coalesce(bit_xor(hash({columns})), 0)::VARCHAR FROM {table}
WHERE time >= ? AND time < ?
"""
_ROWS = {
    "searches": "search_id, first, time, query",
    "events": "event_id, search_id, time, action, product",
}


@dataclass(frozen=True, slots=True)
class Window:
    """Training sees the log from `begin` to before `cut`, the gate judges by what came from `cut`
    to before `end` (seconds since 1970)."""

    begin: float
    cut: float
    end: float

    def told(self) -> str:
        """For people."""
        return (
            f"learns from {day_of(self.begin)} to {day_of(self.cut - 1)}, "
            f"held out are {day_of(self.cut)} to {day_of(self.end - 1)}"
        )


def find_window(
    paths: Sequence[Path], days: float, share: float, now: float | None = None
) -> Window:
    """The latest `days` whole days of a log, all of them for 0, of which the last `share` is held
    out.

    Raises:
        BadInput: the log has fewer than two whole days with searches, or cannot be read.
    """
    if not 0 < share < 1:
        raise BadInput(f"held_out is {share:g}; give a share between 0 and 1", field="held_out")
    if 0 < days < 2:
        raise BadInput(
            f"a window of {days:g} days: nothing would be left to judge what is learned; give 2 or "
            "more whole days, or 0 for the whole log",
            field="window_days",
        )
    begin, end = whole_days(paths, days, now)
    count = round((end - begin) / DAY)
    if count < 2:
        raise BadInput(
            f"the log has one whole day, {day_of(begin)}: nothing later could judge what is learned"
            " from it; retrain when there are two",
            field="data",
        )
    held = min(max(1, round(share * count)), count - 1)
    return Window(begin, end - held * DAY, end)


def fingerprint(paths: Sequence[Path], window: Window) -> dict[str, list[Any]]:
    """Tells the rows of a window from any others, however they are kept: counts and a hash by
    table. Compacting does not change it; late events and forgotten clients do."""
    with open_tables(paths) as connection:
        return {
            table: list(
                connection.execute(
                    _FINGERPRINT.format(columns=columns, table=table), [window.begin, window.end]
                ).fetchall()[0]
            )
            for table, columns in _ROWS.items()
        }


def window_json(window: Window) -> dict[str, Any]:
    """With the days for people."""
    return {**asdict(window), "told": window.told()}


def day_of(seconds: float) -> str:
    """The day (UTC) of a moment, as 2026-11-21."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
