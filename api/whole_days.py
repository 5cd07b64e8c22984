"""The days of a log that count: whole days (UTC), the latest ones.

The present day is left out, since it is not over: called twice on one day, the days are the same.
Retraining and the look for drift share this rule.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from search.errors import BadInput
from training.events.tables import open_tables

DAY = 86_400.0


def whole_days(paths: Sequence[Path], days: float, now: float | None = None) -> tuple[float, float]:
    """The beginning and the end (seconds since 1970) of the latest `days` whole days of a log that
    has searches of some, of all of them for 0 days.

    Raises:
        BadInput: there are none, or the log cannot be read; the days are no number of days.
    """
    if not days >= 0:
        raise BadInput(f"{days:g} days: give 1 or more whole days, or 0 for all", field="days")
    today = (time.time() if now is None else now) // DAY * DAY
    with open_tables(paths) as connection:
        row = connection.execute(
            "SELECT min(time), max(time) FROM searches WHERE time < ?", [today]
        ).fetchone()
    if row is None or row[0] is None:
        raise BadInput(
            "the log has no searches of days that are over; come back when one is", field="events"
        )
    first, end = row[0] // DAY * DAY, min(today, (row[1] // DAY + 1) * DAY)
    return (max(first, end - max(round(days), 1) * DAY) if days else first), end
