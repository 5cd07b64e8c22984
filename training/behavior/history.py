"""Behavior as it was at several moments, for learning from the searches that came after each.

Each product's running sums by day are joined to the days asked about by DuckDB's ASOF JOIN: the
sums as of a moment, less those as of 1, 7 and 30 days before it. Every moment sees what was done
before it, and nothing that came later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_ASKED = "CREATE TEMP TABLE asked AS SELECT p, unnest($days)::INTEGER AS day FROM product"
_THEN = """
SELECT asked.day AS day, id, {differences}
FROM asked JOIN product USING (p)
ASOF JOIN running AS now ON asked.p = now.p AND asked.day > now.day
{joins}
WHERE now.day >= asked.day - {most}
ORDER BY asked.day, id
"""
_QUERIES = """
SELECT days.day AS day, query, sum(searches)::BIGINT AS searches
FROM (SELECT DISTINCT day FROM asked) AS days
JOIN (SELECT floor((time - {origin}) / {day})::INTEGER AS day, query, count(*) AS searches
      FROM search GROUP BY ALL) AS asking
  ON asking.day < days.day AND asking.day >= days.day - {most}
GROUP BY ALL ORDER BY ALL
"""
_TOTALS = "SELECT day, {} FROM daily GROUP BY day".format(
    ", ".join(f"sum({name})::BIGINT AS {name}" for name in COLUMNS)
)
Columns = Mapping[str, NDArray[Any]]


def read_history(
    paths: Sequence[Path],
    propensities: Propensities,
    moments: Sequence[float],
    reading: Reading | None = None,
) -> tuple[BehaviorStore, ...]:
    """What `behavior_as_of` would have found at each moment (seconds since 1970), read once. The
    moments are whole days apart, so that one count by day serves all of them; before the log
    begins nothing was done with anything.

    Raises:
        BadInput: as `training.behavior.behavior_as_of`; or moments are not whole days apart.
    """
    origin = max(moments)
    days = [round((moment - origin) / DAY) for moment in moments]
    if any(abs(origin + day * DAY - m) > 1e-3 for day, m in zip(days, moments, strict=True)):
        raise BadInput("moments of a history are whole days apart", field="moments")
    window = max(DAYS) + 1.0 - min(days)
    chosen = reading or Reading()
    wide = Reading(
        now=origin,
        window_days=window,
        impressions=chosen.impressions,
        memory_gb=chosen.memory_gb,
    )
    with open_log(paths, wide) as (connection, joined, _):
        if joined.now is None:
            raise BadInput("these sessions have no times; name a log of events", field="events")
        make_daily(connection, propensities, origin=origin, end=origin)
        connection.execute(_RUNNING)
        connection.execute(_ASKED, {"days": sorted(set(days))})
        found = arrays(connection, _then())
        queries = arrays(connection, _QUERIES.format(origin=repr(origin), day=DAY, most=max(DAYS)))
        totals = arrays(connection, _TOTALS)
    return tuple(
        _store(moment, day, found, queries, totals)
        for moment, day in zip(moments, days, strict=True)
    )


def _then() -> str:
    differences = ", ".join(
        f"now.{name} - coalesce(before_{days}.{name}, 0) AS {name}_{days}"
        for days in DAYS
        for name in COLUMNS
    )
    joins = "\n".join(
        f"ASOF LEFT JOIN running AS before_{days} "
        f"ON asked.p = before_{days}.p AND asked.day - {days} > before_{days}.day"
        for days in DAYS
    )
    return _THEN.format(differences=differences, joins=joins, most=max(DAYS))


def _store(
    moment: float, day: int, found: Columns, queries: Columns, totals: Columns
) -> BehaviorStore:
    own = found["day"] == day
    sums = np.array([[found[f"{name}_{days}"][own] for name in COLUMNS] for days in DAYS], np.int64)
    asked = queries["day"] == day
    searches = queries["searches"][asked]
    shares = (searches / max(int(searches.sum()), 1)).tolist()
    return BehaviorStore(
        moment=moment,
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
