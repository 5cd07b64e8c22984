"""Behavior as it was when a search was answered, for learning from that search.

A day's searches see what was done before that day began (UTC). Each product's running sums by day
are joined to every day asked about by DuckDB's ASOF JOIN: the sums as of the day, less those as of
1, 7 and 30 days before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankers.behavior import DAYS, BehaviorStore
from search.errors import BadInput
from training.behavior.counting import COLUMNS, as_counts, usual_rates
from training.behavior.daily import make_daily
from training.clicks.database import arrays
from training.clicks.joining import DAY
from training.clicks.options import Reading
from training.clicks.reading import open_log
from training.propensity.seams import Propensities

_RUNNING = """
CREATE TEMP TABLE running AS
SELECT p, day, {sums} FROM daily
""".format(
    sums=", ".join(
        f"(sum({name}) OVER (PARTITION BY p ORDER BY day))::BIGINT AS {name}" for name in COLUMNS
    )
)
_ASKED = """
CREATE TEMP TABLE asked AS
SELECT DISTINCT p, floor(time / {day})::INTEGER AS day
FROM impression JOIN search USING (s)
"""
_THEN = """
SELECT asked.day AS day, id, {differences}
FROM asked JOIN product USING (p)
ASOF LEFT JOIN running AS now ON asked.p = now.p AND asked.day > now.day
{joins}
ORDER BY asked.day, id
"""
_QUERIES = """
SELECT days.day AS day, query, sum(searches)::BIGINT AS searches
FROM (SELECT DISTINCT day FROM asked) AS days
JOIN (SELECT floor(time / {day})::INTEGER AS day, query, count(*) AS searches
      FROM search GROUP BY ALL) AS asking
  ON asking.day < days.day AND asking.day >= days.day - {most}
GROUP BY ALL ORDER BY ALL
"""


_TOTALS = "SELECT day, {} FROM daily GROUP BY day".format(
    ", ".join(f"sum({name})::BIGINT AS {name}" for name in COLUMNS)
)
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class History:
    """Behavior as of the beginning of each day (whole days since 1970, UTC) with searches, of the
    products that were seen on that day."""

    days: Mapping[int, BehaviorStore]

    def at(self, time: float) -> BehaviorStore | None:
        """What was known when a search was answered; None for a day without searches."""
        return self.days.get(int(time // DAY))


def read_history(
    paths: Sequence[Path], propensities: Propensities, reading: Reading | None = None
) -> History:
    """The behavior that every search of a log could have been answered with.

    The window of `reading` is that of the searches; what was done up to 30 days before it is read
    as well.

    Raises:
        BadInput: as `training.behavior.behavior_as_of`.
    """
    chosen = reading or Reading()
    window = chosen.window_days
    wide = Reading(
        now=chosen.now,
        window_days=None if window is None else window + max(DAYS) + 1,
        impressions=chosen.impressions,
        memory_gb=chosen.memory_gb,
    )
    with open_log(paths, wide) as (connection, joined, _):
        if joined.now is None:
            raise BadInput("these sessions have no times; name a log of events", field="events")
        make_daily(connection, propensities)
        connection.execute(_RUNNING)
        since = float("-inf") if window is None else joined.now - window * DAY
        connection.execute(
            _ASKED.format(day=DAY) + ("" if window is None else f"WHERE time > {since!r}")
        )
        found = arrays(connection, _then())
        queries = arrays(connection, _QUERIES.format(day=DAY, most=max(DAYS)))
        totals = arrays(connection, _TOTALS)
    days = np.unique(found["day"]).tolist()
    return History({int(day): _store(int(day), found, queries, totals) for day in days})


def _then() -> str:
    differences = ", ".join(
        f"coalesce(now.{name}, 0) - coalesce(before_{days}.{name}, 0) AS {name}_{days}"
        for days in DAYS
        for name in COLUMNS
    )
    joins = "\n".join(
        f"ASOF LEFT JOIN running AS before_{days} "
        f"ON asked.p = before_{days}.p AND asked.day - {days} > before_{days}.day"
        for days in DAYS
    )
    return _THEN.format(differences=differences, joins=joins)


def _store(day: int, found: Columns, queries: Columns, totals: Columns) -> BehaviorStore:
    own = found["day"] == day
    sums = np.array([[found[f"{name}_{days}"][own] for name in COLUMNS] for days in DAYS], np.int64)
    asked = queries["day"] == day
    searches = queries["searches"][asked]
    shares = (searches / max(int(searches.sum()), 1)).tolist()
    return BehaviorStore(
        moment=day * DAY,
        ids=tuple(found["id"][own].tolist()),
        counts=as_counts(sums),
        usual=usual_rates(_before(day, totals)),
        queries=dict(zip(queries["query"][asked].tolist(), shares, strict=True)),
    )


def _before(day: int, totals: Columns) -> NDArray[np.int64]:
    """The sums of all products in the days before one, int64 of shape (len(DAYS), 4)."""
    own = totals["day"]
    within = [(own < day) & (own >= day - days) for days in DAYS]
    return np.array([[totals[name][each].sum() for name in COLUMNS] for each in within], np.int64)
