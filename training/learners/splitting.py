"""A log split by time: learned from what came before, measured on what came after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.clicks.counting import count
from training.clicks.options import Reading
from training.clicks.reading import open_log, read_log
from training.learners.training import SplitLog

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY = 86_400.0
LAST = 0.2
"""The share of searches, the latest, that is held out."""
_LATEST = """
SELECT coalesce(nullif(normalized, ''), query) AS text, arg_max(products, time) AS products,
       arg_max(features, time) AS features, arg_max(feature_names, time) AS names
FROM clean_searches
WHERE time <= $end AND feature_version = $version
  AND len(features) = len(products) * len(feature_names)
GROUP BY text
"""


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """The features of one candidate as they were when it was shown: `names` and float32 `values`
    of that length."""

    names: tuple[str, ...]
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log's counts, the features it holds by query and product, and remarks for people. `begin`
    is when the first search that was counted was answered (seconds since 1970), None in a log
    without times."""

    counts: SplitLog
    features: Mapping[tuple[str, str], LoggedRow] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    begin: float | None = None


def read_split(
    paths: Sequence[Path], reading: Reading, version: str, last: float = LAST
) -> ReadLog:
    """Counts of the whole window, and of the searches before and after the moment from which the
    `last` share of them came; features where they were logged and are of this `version`.

    Sessions without times cannot be split: `after` is None then.

    Raises:
        BadInput: as `training.clicks.read_log`; or nothing was clicked before or after.
    """
    with open_log(paths, reading) as (connection, joined, remarks):
        everything = count(connection, reading)
        if joined.now is None:
            said = "the log has no times: nothing later is held out to compare on"
            return ReadLog(SplitLog(everything, everything), remarks=(*remarks, said))
        first, moment, end = connection.execute(
            "SELECT min(time), quantile_cont(time, $share), max(time) FROM search",
            {"share": 1 - last},
        ).fetchall()[0]
        features = _logged_features(connection, version, end)
    if not first < moment < end:
        raise BadInput(
            "all searches of the log have the same time, so it cannot be split by time; log when"
            " searches were made",
            field="time",
        )
    before = replace(reading, now=moment, window_days=(moment - first) / DAY + 1e-6)
    after = replace(reading, window_days=(end - moment) / DAY)
    counts = SplitLog(everything, read_log(paths, before).counts, read_log(paths, after).counts)
    return ReadLog(counts, features, remarks, first)


def _logged_features(
    connection: DuckDBPyConnection, version: str, end: float
) -> dict[tuple[str, str], LoggedRow]:
    """The latest page of every query that was logged with features until `end`."""
    found: dict[tuple[str, str], LoggedRow] = {}
    rows: list[tuple[Any, ...]] = connection.execute(
        _LATEST, {"version": version, "end": end}
    ).fetchall()
    for text, products, features, names in rows:
        table = np.asarray(features, np.float32).reshape(len(products), len(names))
        for product, values in zip(products, table, strict=True):
            if not np.isnan(values).all():
                found[text, product] = LoggedRow(tuple(names), values)
    return found
