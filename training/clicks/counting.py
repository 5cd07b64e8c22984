"""Impressions and actions summed up by query, product and position, and by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.clicks.counts import Amounts, ClickCounts
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
      FROM action {known})
JOIN grade USING (action) GROUP BY s, p, position
"""
_COUNT = """
SELECT period, q, p, position, sum(weight) AS impressions,
       sum(weight * greatest(coalesce(amount, 0), {base})) AS clicks
FROM impression
JOIN (SELECT s, q, weight, {period} AS period FROM search JOIN query ON text = query) USING (s)
LEFT JOIN graded USING (s, p, position)
WHERE position <= {depth} GROUP BY ALL ORDER BY q, p, position, period
"""
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums by period, query, product and position, arrays of shape (cells,) sorted by query,
    product and position; `texts` are queries and `ids` products by their codes."""

    period: Whole
    query: Whole
    product: Whole
    position: Whole
    impressions: Amounts
    clicks: Amounts
    texts: tuple[str, ...]
    ids: tuple[str, ...]

    def of(self, weights: Sequence[float]) -> ClickCounts:
        """The sum of all periods, each weighed; those that weigh nothing are left out, documents
        that were not seen in the others too. May be empty."""
        share = np.asarray(weights, np.float64)[self.period]
        kept = np.flatnonzero(share > 0)
        keys = np.stack([self.query[kept], self.product[kept], self.position[kept]])
        starts = np.append(True, (np.diff(keys) != 0).any(axis=0))[: len(kept)]
        cell = np.cumsum(starts) - 1
        sums = [
            np.bincount(cell, (share * each)[kept], int(starts.sum())).astype(np.float64)
            for each in (self.impressions, self.clicks)
        ]
        q, p, position = keys[:, starts]
        return self._counts(q, p, position, sums[0], sums[1])

    def _counts(
        self, q: Whole, p: Whole, position: Whole, impressions: Amounts, clicks: Amounts
    ) -> ClickCounts:
        """One document a query and product."""
        starts = np.append(True, (np.diff(q) != 0) | (np.diff(p) != 0))[: len(q)]
        present, queries = np.unique(q[starts], return_inverse=True)
        return ClickCounts(
            documents=(np.cumsum(starts) - 1).astype(np.int32),
            positions=position.astype(np.int32),
            impressions=impressions,
            clicks=clicks,
            queries=queries.astype(np.int32),
            query_texts=tuple(self.texts[code] for code in present.tolist()),
            products=tuple(self.ids[code] for code in p[starts].tolist()),
        )


def count(connection: DuckDBPyConnection, reading: Reading) -> ClickCounts:
    """The tables of `training.clicks.joining`, summed up. A query is its normalized text.

    Raises:
        BadInput: nothing was clicked.
    """
    return count_periods(connection, reading).of([1.0])


def count_periods(
    connection: DuckDBPyConnection,
    reading: Reading,
    edges: Sequence[float] = (),
    known: float | None = None,
) -> Counted:
    """The same by period: `edges` (seconds since 1970, rising) are the moments at which one ends
    and the next begins; a search at that very moment is of the earlier one. What was done after
    `known` is left out, whenever its search was answered.

    Raises:
        BadInput: nothing was clicked.
    """
    connection.execute(_QUERY)
    grade(connection, reading, known)
    base = float(reading.amounts.get("impression", 0.0))
    found = arrays(
        connection,
        _COUNT.format(base=repr(base), depth=reading.depth, period=period_of(edges)),
    )
    if not (found["clicks"] > base * found["impressions"]).any():
        raise BadInput(
            f"the log has no clicks on what was seen in the first {reading.depth} positions; "
            "nothing can be learned from it",
            field="events",
        )
    texts = arrays(connection, "SELECT text FROM query ORDER BY q")["text"]
    ids = arrays(connection, "SELECT id FROM product ORDER BY p")["id"]
    return Counted(
        period=found["period"].astype(np.int64),
        query=found["q"].astype(np.int64),
        product=found["p"].astype(np.int64) - 1,
        position=found["position"].astype(np.int64),
        impressions=found["impressions"].astype(np.float64),
        clicks=found["clicks"].astype(np.float64),
        texts=tuple(texts.tolist()),
        ids=tuple(ids.tolist()),
    )


def period_of(edges: Sequence[float]) -> str:
    """The number of the period of `time`, as SQL: how many of the `edges` lie before it."""
    if not edges:
        return "0"
    whens = " ".join(f"WHEN time <= {edge!r} THEN {i}" for i, edge in enumerate(edges))
    return f"CASE {whens} ELSE {len(edges)} END"


def grade(connection: DuckDBPyConnection, reading: Reading, known: float | None = None) -> None:
    """Makes the table `graded`: the amount of every impression that was acted on, until the moment
    `known` where there is one."""
    connection.execute("CREATE OR REPLACE TEMP TABLE grade (action VARCHAR, amount DOUBLE)")
    connection.executemany(
        "INSERT INTO grade VALUES (?, ?)",
        [[action, float(amount)] for action, amount in reading.amounts.items()],
    )
    short, share = float(reading.short_dwell), float(reading.short_share)
    until = "" if known is None else f"WHERE time <= {float(known)!r}"
    connection.execute(_GRADED.format(short=repr(short), share=repr(share), known=until))
