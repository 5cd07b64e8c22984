"""Looks, clicks, carts and purchases of every product by day.

Looks are impressions that each count by the propensity of their position. They are added up as
whole parts of `UNIT`, so that sums do not depend on the order of adding: what a product had in the
days before a moment is the same bits whether the days are added up or taken as the difference of
two running sums, in training and in serving.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.clicks.joining import DAY
from training.propensity.seams import Propensities

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

UNIT = 1 << 20
"""Parts of one look."""
_DEEPEST = 10_000
ACTIONS = {"click": "clicks", "add_to_cart": "carts", "purchase": "purchases"}

_DAILY = """
CREATE OR REPLACE TEMP TABLE daily AS
WITH done AS (
    SELECT s, p, action, min(action.time) AS time FROM action JOIN search USING (s)
    WHERE action IN ('click', 'add_to_cart', 'purchase') AND action.time < search.time + {day}
    GROUP BY s, p, action
)
SELECT p, day, sum(parts)::BIGINT AS parts, sum(clicks)::BIGINT AS clicks,
       sum(carts)::BIGINT AS carts, sum(purchases)::BIGINT AS purchases
FROM (
    SELECT p, floor((time - {origin}) / {day})::INTEGER AS day, sum(parts) AS parts,
           0 AS clicks, 0 AS carts, 0 AS purchases
    FROM impression JOIN search USING (s) JOIN look USING (position)
    WHERE time < {end} GROUP BY ALL
    UNION ALL
    SELECT p, floor((time - {origin}) / {day})::INTEGER, 0, count(*) FILTER (action = 'click'),
           count(*) FILTER (action = 'add_to_cart'), count(*) FILTER (action = 'purchase')
    FROM done WHERE time < {end} GROUP BY ALL
) GROUP BY p, day
"""


def make_daily(
    connection: DuckDBPyConnection,
    propensities: Propensities,
    origin: float = 0.0,
    end: float = float("inf"),
) -> None:
    """Makes the table `daily` (`p`, `day`, `parts`, `clicks`, `carts`, `purchases`) from those of
    `training.clicks.joining`: day d begins d days after `origin`, and nothing counts that came at
    or after `end` (both in seconds since 1970). What was done several times after one impression
    counts once, when it was first done; what was done a day after it or later does not count, so
    that no more than a day before the window need be read."""
    positions = np.arange(1, _DEEPEST + 1, dtype=np.int32)
    parts = np.rint(propensities.at(positions) * UNIT).astype(np.int64)
    flat = np.flatnonzero(np.append(True, np.diff(parts) != 0))
    connection.execute("CREATE OR REPLACE TEMP TABLE look (position INTEGER, parts BIGINT)")
    for first, last in zip(flat, np.append(flat[1:], len(parts)), strict=True):
        connection.execute(
            f"INSERT INTO look SELECT range::INTEGER, {parts[first]} "
            f"FROM range({positions[first]}, {positions[last - 1] + 1})"
        )
    until = "'inf'::DOUBLE" if end == float("inf") else repr(end)
    connection.execute(_DAILY.format(origin=repr(origin), day=DAY, end=until))
