"""Impressions and actions summed up by query, product and position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from search.errors import BadInput
from training.clicks.counts import ClickCounts
from training.clicks.database import arrays
from training.clicks.options import Reading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_QUERY = """
CREATE TEMP TABLE IF NOT EXISTS query AS
SELECT row_number() OVER (ORDER BY text)::INTEGER - 1 AS q, text
FROM (SELECT DISTINCT query AS text FROM search)
"""
_GRADED = """
CREATE OR REPLACE TEMP TABLE graded AS
SELECT s, p, position, max(CASE WHEN action = 'click' AND stayed < {short} THEN {share} * amount
                      ELSE amount END) AS amount
FROM (SELECT s, p, position, action, max(dwell) OVER (PARTITION BY s, p, position) AS stayed
      FROM action)
JOIN grade USING (action) GROUP BY s, p, position
"""
_COUNT = """
SELECT q, p, position, sum(weight) AS impressions,
       sum(weight * greatest(coalesce(amount, 0), {base})) AS clicks
FROM impression JOIN (SELECT s, q, weight FROM search JOIN query ON text = query) USING (s)
LEFT JOIN graded USING (s, p, position)
WHERE position <= {depth} GROUP BY q, p, position ORDER BY q, p, position
"""


def count(connection: DuckDBPyConnection, reading: Reading) -> ClickCounts:
    """The tables of `training.clicks.joining`, summed up. A query is its normalized text.

    Raises:
        BadInput: nothing was clicked.
    """
    connection.execute(_QUERY)
    grade(connection, reading)
    base = float(reading.amounts.get("impression", 0.0))
    found = arrays(connection, _COUNT.format(base=repr(base), depth=reading.depth))
    if not (found["clicks"] > base * found["impressions"]).any():
        raise BadInput(
            f"the log has no clicks on what was seen in the first {reading.depth} positions; "
            "nothing can be learned from it",
            field="events",
        )
    texts = arrays(connection, "SELECT text FROM query ORDER BY q")["text"]
    ids = arrays(connection, "SELECT id FROM product ORDER BY p")["id"]
    q, p = found["q"], found["p"]
    starts = np.append(True, (np.diff(q) != 0) | (np.diff(p) != 0))
    present, queries = np.unique(q[starts], return_inverse=True)
    return ClickCounts(
        documents=(np.cumsum(starts) - 1).astype(np.int32),
        positions=found["position"].astype(np.int32),
        impressions=found["impressions"].astype(np.float64),
        clicks=found["clicks"].astype(np.float64),
        queries=queries.astype(np.int32),
        query_texts=tuple(texts[present].tolist()),
        products=tuple(ids[p[starts] - 1].tolist()),
    )


def grade(connection: DuckDBPyConnection, reading: Reading) -> None:
    """Makes the table `graded`: the amount of every impression that was acted on."""
    connection.execute("CREATE OR REPLACE TEMP TABLE grade (action VARCHAR, amount DOUBLE)")
    connection.executemany(
        "INSERT INTO grade VALUES (?, ?)",
        [[action, float(amount)] for action, amount in reading.amounts.items()],
    )
    short, share = float(reading.short_dwell), float(reading.short_share)
    connection.execute(_GRADED.format(short=repr(short), share=repr(share)))
