"""A log split by time: learned from what came before, measured on what came after."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.clicks.counting import Counted, count_periods, period_of
from training.clicks.counts import ClickCounts
from training.clicks.options import Reading
from training.clicks.reading import open_log
from training.learners.periods import from_then_on, moments_between
from training.learners.training import SplitLog

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY = 86_400.0
LAST = 0.2
"""The share of searches, the latest, that is held out."""
_FIRST = """
SELECT {period} AS period, coalesce(nullif(normalized, ''), query) AS text,
       arg_min(products, time) AS products, arg_min(features, time) AS features,
       arg_min(feature_names, time) AS names
FROM clean_searches
WHERE time >= $begin AND time <= $end AND feature_version = $version
  AND len(features) = len(products) * len(feature_names)
GROUP BY period, text, first
"""


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """The features of one candidate as they were when it was shown: `names` and float32 `values`
    of that length."""

    names: tuple[str, ...]
    values: NDArray[np.float32]


Logged = Mapping[tuple[str, str], LoggedRow]


@dataclass(frozen=True, slots=True)
class ReadLog:
    """A log's counts; its clicks alone before what is held out, for propensities; the features it
    holds by query and product, for each period; remarks for people; and `moments`, when each period
    began (seconds since 1970), none in a log without times."""

    counts: SplitLog
    plain: ClickCounts
    features: tuple[Logged, ...] = ({},)
    remarks: tuple[str, ...] = ()
    moments: tuple[float, ...] = ()


def read_split(
    paths: Sequence[Path], reading: Reading, version: str, last: float = LAST
) -> ReadLog:
    """Counts of the whole window, of the searches before and after the moment from which the `last`
    share of them came, and of periods; features where they were logged and are of this `version`.

    What is learned from before that moment knows nothing that was done later. Sessions without
    times cannot be split: `after` is None then.

    Raises:
        BadInput: as `training.clicks.read_log`; or nothing was clicked before or after.
    """
    alone = replace(reading, grades=None)
    with open_log(paths, reading) as (connection, joined, remarks):
        if joined.now is None:
            everything = count_periods(connection, reading).of([1.0])
            plain = count_periods(connection, alone).of([1.0])
            said = "the log has no times: nothing later is held out to compare on"
            return ReadLog(SplitLog(everything, everything), plain, remarks=(*remarks, said))
        first, cut, end = connection.execute(
            "SELECT min(time), quantile_cont(time, $share), max(time) FROM search",
            {"share": 1 - last},
        ).fetchall()[0]
        if not first < cut < end:
            raise BadInput(
                "all searches of the log have the same time, so it cannot be split by time; log"
                " when searches were made",
                field="time",
            )
        moments = moments_between(first, cut)
        edges = moments[1:]
        whole = count_periods(connection, reading, edges)
        then = count_periods(connection, reading, edges, known=cut)
        clicks = then if reading.grades is None else count_periods(connection, alone, edges, cut)
        features = _logged_features(connection, version, (first, *edges), end)
    counts = split_by(whole, then, len(moments), _age(reading, cut, joined.now))
    return ReadLog(counts, clicks.of(_until(len(moments))), features, remarks, moments)


def split_by(whole: Counted, then: Counted, periods: int, weight: float = 1.0) -> SplitLog:
    """What is learned from and what is held out, the last of so many periods; `then` is what was
    known when that began, whose searches weigh `weight` times as much as in `whole`.

    Raises:
        BadInput: nothing was clicked before or after.
    """
    last = periods - 1
    before = then.of([weight * each for each in _until(periods)])
    after = whole.of([float(period == last) for period in range(periods)])
    for when, counts in (("before", before), ("after", after)):
        if not counts.clicks.sum() > 0:
            raise BadInput(
                f"nothing was clicked {when} the last fifth of the searches began; log more clicks,"
                " or read a longer window",
                field="events",
            )
    return SplitLog(
        whole.of([1.0] * periods),
        before,
        after,
        tuple(whole.of(weights) for weights in from_then_on(periods, last)),
        tuple(
            then.of([weight * each for each in weights])
            for weights in from_then_on(periods, last - 1)
        ),
    )


def _until(periods: int) -> list[float]:
    """All periods but the last, which is held out."""
    return [1.0] * (periods - 1) + [0.0]


def _age(reading: Reading, cut: float, now: float) -> float:
    """By how much what was new at `cut` is discounted `now`."""
    if reading.half_life_days is None:
        return 1.0
    return float(2.0 ** ((now - cut) / (reading.half_life_days * DAY)))


def _logged_features(
    connection: DuckDBPyConnection, version: str, begins: Sequence[float], end: float
) -> tuple[Logged, ...]:
    """The first pages of every query that were logged with features in each period (which begin at
    `begins`); where a period has none those before it, the latest first, then those after it."""
    found: list[dict[tuple[str, str], LoggedRow]] = [{} for _ in begins]
    rows: list[tuple[Any, ...]] = connection.execute(
        _FIRST.format(period=period_of(begins[1:])),
        {"version": version, "begin": begins[0], "end": end},
    ).fetchall()
    for period, text, products, features, names in rows:
        table = np.asarray(features, np.float32).reshape(len(products), len(names))
        for product, values in zip(products, table, strict=True):
            if not np.isnan(values).all():
                found[period][text, product] = LoggedRow(tuple(names), values)
    return tuple(ChainMap(*found[period::-1], *found[period + 1 :]) for period in range(len(found)))
