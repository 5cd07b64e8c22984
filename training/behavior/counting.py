"""Behavior as of a moment: what is published for serving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rankers.behavior import DAYS, BehaviorStore
from search.errors import BadInput
from training.behavior.daily import UNIT, make_daily
from training.clicks.database import arrays
from training.clicks.joining import DAY
from training.clicks.options import Reading
from training.clicks.reading import open_log
from training.propensity.seams import Propensities

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = ("parts", "clicks", "carts", "purchases")
_SUMS = ", ".join(
    f"coalesce(sum({name}) FILTER (day >= -{days}), 0)::BIGINT AS {name}_{days}"
    for days in DAYS
    for name in COLUMNS
)
_COUNTS = f"""
SELECT id, {_SUMS} FROM daily JOIN product USING (p)
WHERE day >= -{max(DAYS)} AND day < 0 GROUP BY id ORDER BY id
"""
_QUERIES = """
SELECT query, count(*)::BIGINT AS searches FROM search
WHERE time < $moment AND time >= $since GROUP BY query
"""


def behavior_as_of(
    paths: Sequence[Path],
    propensities: Propensities,
    moment: float | None = None,
    reading: Reading | None = None,
) -> BehaviorStore:
    """What shoppers did with every product in the 1, 7 and 30 days before a moment (seconds since
    1970; None: just after the last search of the log). `rankers.behavior.publish` puts it to use.

    Raises:
        BadInput: as `training.clicks.read_log`, except that nothing needs to have been clicked; or
            the log has no times.
    """
    chosen = replace(reading or Reading(), window_days=max(DAYS) + 1.0, now=moment)
    with open_log(paths, chosen) as (connection, joined, _):
        if joined.now is None:
            raise BadInput(
                "these sessions have no times, so that nothing can be said of the last days; "
                "name a log of events",
                field="events",
            )
        return make_store(connection, propensities, joined.now + 1.0 if moment is None else moment)


def make_store(
    connection: DuckDBPyConnection, propensities: Propensities, moment: float
) -> BehaviorStore:
    """The same of the open tables of `training.clicks.joining`, whose window must reach 30 days
    before the moment."""
    make_daily(connection, propensities, origin=moment, end=moment)
    found = arrays(connection, _COUNTS)
    names = [[f"{name}_{days}" for name in COLUMNS] for days in DAYS]
    sums = np.array([[found[name] for name in own] for own in names], np.int64)
    since = moment - max(DAYS) * DAY
    times = {"moment": moment, "since": since}
    queries = arrays(connection, _QUERIES, times)
    total = int(queries["searches"].sum())
    return BehaviorStore(
        moment=moment,
        ids=tuple(found["id"].tolist()),
        counts=as_counts(sums),
        usual=usual_rates(sums.sum(axis=2)),
        queries={
            text: searches / total
            for text, searches in zip(
                queries["query"].tolist(), queries["searches"].tolist(), strict=True
            )
        },
    )


def as_counts(sums: NDArray[np.int64]) -> NDArray[np.float32]:
    """Looks in parts, clicks, carts and purchases (the second axis from the left is these four) as
    features take them."""
    counts = sums.astype(np.float64)
    counts[:, 0] /= UNIT
    return counts.astype(np.float32)


def usual_rates(totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rates of clicks, carts and purchases a look in all, float64 of shape (len(DAYS), 3), of sums
    of shape (len(DAYS), 4); 0 where nothing was looked at."""
    looks = np.maximum(totals[:, :1] / UNIT, 1.0 / UNIT)
    return np.where(totals[:, :1] > 0, totals[:, 1:] / looks, 0.0)
