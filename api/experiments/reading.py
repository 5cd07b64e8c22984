"""What the event log says of an experiment: its units, what they did, in which arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from api.experiments.crediting import Credits, credits_of
from eval.experiments import Experiment
from eval.experiments.ab import Units

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Amounts = NDArray[np.float64]

HISTORY_SECONDS = 28 * 86_400.0
"""How far back what clients did before the experiment is looked at."""
SETTLED_SECONDS = 600.0
"""How long after its last search a unit of a running experiment counts: until then what it does
still comes, and would change what was said of it."""
_MEASURES = ("searches", "pages", "clicks", "purchases", "converted", "revenue", "without_hits")
_BEFORE = ("searches", "clicks", "converted", "revenue", "without_hits")

_PAGES = """
CREATE TEMP TABLE page AS
SELECT search_id, time, {unit} AS unit, first, total,
       string_split(arm, ',')[list_position(string_split(experiment, ','), $name)] AS arm,
       TRY_CAST(attributes->>'milliseconds' AS DOUBLE) AS milliseconds
FROM clean_searches
WHERE contains(experiment, $name) AND list_contains(string_split(experiment, ','), $name)
  AND time BETWEEN $since AND $until AND coalesce({unit}, '') <> '';

CREATE TEMP TABLE search AS
SELECT search_id, any_value(unit) AS unit, min(time) AS time, count(*) AS pages,
       arg_min(total, first) = 0 AS without_hits, coalesce(sum(milliseconds), 0) AS milliseconds
FROM page GROUP BY search_id;
"""
_UNITS = """
CREATE TEMP TABLE arm_of AS
SELECT unit, any_value(arm) AS arm, count(DISTINCT arm) AS arms FROM page GROUP BY unit;

CREATE TEMP TABLE clicked AS
SELECT DISTINCT search_id, product FROM clean_events SEMI JOIN search USING (search_id)
WHERE action = 'click' AND product <> '' AND time <= $until;

CREATE TEMP TABLE unit AS
SELECT unit, arm, arms, first, last, searches, pages, milliseconds, without_hits,
       coalesce(clicks, 0) AS clicks, coalesce(purchases, 0) AS purchases,
       least(coalesce(purchases, 0), 1) AS converted, coalesce(revenue, 0) AS revenue
FROM (SELECT unit, min(time) AS first, max(time) AS last, count(*) AS searches, sum(pages) AS pages,
             sum(milliseconds) AS milliseconds, sum(without_hits::INTEGER) AS without_hits
      FROM search GROUP BY unit)
JOIN arm_of USING (unit)
LEFT JOIN (SELECT unit, count(*) AS clicks FROM clicked JOIN search USING (search_id)
           GROUP BY unit) USING (unit)
LEFT JOIN (SELECT unit, count(*) AS purchases, sum(coalesce(value, 0)) AS revenue
           FROM clean_events
           JOIN (SELECT unit, min(time) AS begun FROM search GROUP BY unit) ON unit = {unit}
           WHERE action = 'purchase' AND time BETWEEN begun AND $until GROUP BY unit)
     USING (unit)
"""
_HISTORY = """
CREATE TEMP TABLE earlier AS
SELECT search_id, client AS unit, arg_min(total, first) = 0 AS without_hits
FROM clean_searches SEMI JOIN unit ON unit.unit = client
WHERE time < $since AND time >= $since - {seconds} GROUP BY search_id, client;

CREATE TEMP TABLE history AS
SELECT unit, searches, without_hits, coalesce(clicks, 0) AS clicks,
       coalesce(converted, 0) AS converted, coalesce(revenue, 0) AS revenue
FROM (SELECT unit, count(*) AS searches, sum(without_hits::INTEGER) AS without_hits
      FROM earlier GROUP BY unit)
LEFT JOIN (SELECT unit, count(*) AS clicks
           FROM (SELECT DISTINCT search_id, product FROM clean_events
                 WHERE action = 'click' AND product <> '' AND time < $since)
           JOIN earlier USING (search_id) GROUP BY unit) USING (unit)
LEFT JOIN (SELECT client AS unit, 1 AS converted, sum(coalesce(value, 0)) AS revenue
           FROM clean_events WHERE action = 'purchase' AND time < $since
             AND time >= $since - {seconds} GROUP BY client) USING (unit)
"""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that counts, in seconds since 1970."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Found:
    """What was read: the units, those left out because they were seen in two arms or not yet over,
    searches of flagged shoppers, and of interleaved lists the credit."""

    units: Units
    searches: int
    two_arms: int = 0
    flagged: int = 0
    unsettled: int = 0
    credits: Credits | None = None
    remarks: tuple[str, ...] = field(default=())


def read(paths: Sequence[Path], experiment: Experiment, window: Window) -> Found:
    """Reads a log; a log that is not there yet has nothing. Blocks.

    Raises:
        BadInput: what is there cannot be read.
    """
    from training.events.fraud import flag
    from training.events.layout import find_log
    from training.events.tables import open_tables

    # A data directory has no log before its first search.
    there = [
        path
        for path in paths
        if not path.is_dir() or find_log(path) is not None or (path / "searches").is_dir()
    ]
    if not there:
        return Found(_units(experiment, {}, {}), 0)
    connection = open_tables(there)
    try:
        flag(connection)
        return _read(connection, experiment, window, paths)
    finally:
        connection.close()


def _read(
    connection: DuckDBPyConnection, experiment: Experiment, window: Window, paths: Sequence[Path]
) -> Found:
    from training.clicks.database import one

    given = {"name": experiment.name, "since": window.since, "until": window.until}
    unit = experiment.unit
    _run(connection, _PAGES.format(unit=unit), given)
    _run(connection, _UNITS.format(unit=unit), given)
    interleaved = experiment.kind == "interleave"
    names = [arm.name for arm in experiment.arms]
    good = "arms = 1" if interleaved else f"arms = 1 AND arm IN ({_listed(names)})"
    until = window.until - (SETTLED_SECONDS if experiment.stopped is None else 0.0)
    searches, two, unsettled = one(
        connection,
        "SELECT (SELECT count(*) FROM search), (SELECT count(*) FROM unit WHERE arms > 1), "
        f"(SELECT count(*) FROM unit WHERE {good} AND last > $until)",
        {"until": until},
    )
    connection.execute(
        f"CREATE TEMP TABLE counted AS SELECT *, "
        f"row_number() OVER (ORDER BY {_order(experiment)}, unit) - 1 AS n "
        f"FROM unit WHERE {good} AND last <= $until",
        {"until": until},
    )
    earned, remarks = None, tuple[str, ...]()
    if interleaved:
        earned, remarks = credits_of(connection, experiment, window.since, window.until, paths)
    columns = _columns(connection, _order(experiment))
    units = _units(experiment, columns, _before(connection, experiment, given))
    if not interleaved:
        units = _with_latencies(connection, units)
    flagged = _flagged(connection, given)
    return Found(units, int(searches), int(two), flagged, int(unsettled), earned, remarks)


def _order(experiment: Experiment) -> str:
    """The time that orders units. Sessions come in the order in which they ended, so that those
    that end later come after all that were counted before, and no number moves from look to look.
    Clients come back as they like, and more often to what they like: they come in the order of
    their first search."""
    return "last" if experiment.unit == "session" else "first"


def _run(connection: DuckDBPyConnection, sql: str, given: Mapping[str, Any]) -> None:
    for statement in filter(str.strip, sql.split(";")):
        used = {name: value for name, value in given.items() if f"${name}" in statement}
        connection.execute(statement, used)


def _listed(names: Sequence[str]) -> str:
    # Names of arms are checked when an experiment is made; quotes cannot be among them.
    return ", ".join(f"'{name}'" for name in names)


def _columns(connection: DuckDBPyConnection, order: str) -> dict[str, NDArray[Any]]:
    from training.clicks.database import arrays

    wanted = ", ".join(f"{name}::DOUBLE AS {name}" for name in (*_MEASURES, "milliseconds"))
    return arrays(connection, f"SELECT arm, {order} AS time, {wanted} FROM counted ORDER BY n")


def _before(
    connection: DuckDBPyConnection, experiment: Experiment, given: Mapping[str, Any]
) -> dict[str, Amounts]:
    """What clients did before; nothing of sessions, which are too short to have been there."""
    from training.clicks.database import arrays, one

    if experiment.unit != "client" or experiment.kind == "interleave":
        return {}
    _run(connection, _HISTORY.format(seconds=HISTORY_SECONDS), given)
    if not one(connection, "SELECT count(*) FROM history")[0]:
        return {}
    wanted = ", ".join(f"coalesce(history.{name}, 0)::DOUBLE AS {name}" for name in _BEFORE)
    found = arrays(
        connection,
        f"SELECT {wanted} FROM counted LEFT JOIN history USING (unit) ORDER BY n",
    )
    return found


def _units(
    experiment: Experiment, columns: Mapping[str, NDArray[Any]], before: Mapping[str, Amounts]
) -> Units:
    names = tuple(arm.name for arm in experiment.arms)
    if not columns:
        none = np.zeros(0)
        measures = dict.fromkeys((*_MEASURES, "milliseconds"), none)
        return Units(names, np.zeros(0, np.int8), none, measures)
    numbers = {name: number for number, name in enumerate(names)}
    arm = np.array([numbers.get(name, 0) for name in columns["arm"].tolist()], np.int8)
    measures = {name: columns[name] for name in (*_MEASURES, "milliseconds")}
    return Units(names, arm, columns["time"], measures, dict(before))


def _with_latencies(connection: DuckDBPyConnection, units: Units) -> Units:
    from dataclasses import replace

    from training.clicks.database import arrays

    found = arrays(
        connection,
        "SELECT n, page.milliseconds AS milliseconds FROM page JOIN counted USING (unit) "
        "WHERE page.milliseconds IS NOT NULL ORDER BY n",
    )
    return replace(units, latencies=found["milliseconds"], of_unit=found["n"].astype(np.int64))


def _flagged(connection: DuckDBPyConnection, given: Mapping[str, Any]) -> int:
    """Searches of the experiment by who was flagged."""
    from training.clicks.database import one
    from training.events.fraud import WHO

    return int(
        one(
            connection,
            "SELECT count(DISTINCT search_id) FROM searches WHERE contains(experiment, $name) "
            "AND list_contains(string_split(experiment, ','), $name) "
            f"AND time BETWEEN $since AND $until AND {WHO} IN (SELECT who FROM flagged)",
            given,
        )[0]
    )
