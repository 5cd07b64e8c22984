"""Searches and events joined: what was seen, and what was done with it.

Leaves these tables in the database:

* `search`: `s` INTEGER, `query`, `time` DOUBLE, `weight` DOUBLE;
* `product`: `p` INTEGER in the order of `id`;
* `impression`: `s`, `p`, `position` INTEGER, each product of a search once, at its highest place;
* `action`: `s`, `p`, `position`, `action`, `time`, `dwell`; each of an impression.

Whatever is logged twice counts once, since an impression is a product of a search and has an action
or has it not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search.errors import BadInput
from training.clicks.database import one, rows
from training.clicks.options import Reading

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY = 86_400.0
_MILLISECONDS = 1e11
"""No time in seconds is so late (it would be the year 5138)."""
_AMISS = 0.5
"""The share of actions that contradict their searches from which on the log is refused."""
_ALL = 0.95
"""The share of positions one too low from which on all of them are meant to begin at 0."""
_FROM_0 = (
    "import the files of these events again, into a new data directory, with --ordinals-from 0"
)
_PAGE_ORDER = (
    "mend what logs these positions, leave these searches and events out, or take the order of the "
    'pages instead: Reading(impressions="page") in Python'
)

_SEARCH = """
CREATE TEMP TABLE search AS
SELECT row_number() OVER (ORDER BY time, search_id)::INTEGER AS s, search_id, query, time,
       application, has_products, {weight} AS weight
FROM (
    SELECT search_id, arg_min(text, (first, time)) AS query, min(time) AS time,
           arg_min(coalesce(application, ''), (first, time)) AS application,
           max(len(products)) > 0 AS has_products
    FROM (SELECT *, coalesce(nullif(normalized, ''),
                             lower(trim(regexp_replace(query, '\\s+', ' ', 'g')))) AS text
          FROM clean_searches)
    WHERE text <> '' GROUP BY search_id
) WHERE time <= $now AND time > $since
"""
_EVENT = """
CREATE TEMP VIEW event AS
SELECT coalesce(search_id, '') AS search_id, coalesce(nullif(client, ''), session, '') AS shopper,
       action, time, product, position, dwell
FROM clean_events WHERE product <> '' AND time <= $until
"""
_CREDITED = """
CREATE TEMP TABLE credited AS
SELECT s, product, action, event.time, dwell, position, event.time < search.time - $skew AS early
FROM event JOIN search USING (search_id) WHERE action <> 'impression';

CREATE TEMP TABLE orphan AS
SELECT * FROM event
WHERE action <> 'impression' AND shopper <> ''
  AND search_id NOT IN (SELECT search_id FROM searches WHERE search_id IS NOT NULL);

CREATE TEMP TABLE shown_to AS
SELECT shopper, product, time, max(s) AS s FROM (
    SELECT coalesce(nullif(client, ''), session, '') AS shopper, unnest(products) AS product,
           searches.time AS time, s
    FROM searches JOIN search USING (search_id)
    WHERE coalesce(nullif(client, ''), session, '') IN (SELECT shopper FROM orphan)
) GROUP BY shopper, product, time;

INSERT INTO credited
SELECT s, orphan.product, action, orphan.time, dwell, NULL, false
FROM orphan ASOF JOIN shown_to
  ON orphan.shopper = shown_to.shopper AND orphan.product = shown_to.product
 AND orphan.time >= shown_to.time
WHERE orphan.time - shown_to.time <= $credit
"""
_PLACE = """
CREATE TEMP TABLE place AS
SELECT s, product, min(first - 1 + list_position(products, product))::INTEGER AS position
FROM (SELECT DISTINCT s, product FROM credited WHERE NOT early
      UNION SELECT s, product FROM event JOIN search USING (search_id)
      WHERE action = 'impression' AND position IS NULL) AS wanted
JOIN search USING (s) JOIN searches USING (search_id)
WHERE list_contains(products, product) GROUP BY s, product
"""
_SEEN = """
CREATE TEMP VIEW seen AS
SELECT s, unnest(products) AS product,
       unnest(range(first, first + len(products)))::INTEGER AS position
FROM searches JOIN search USING (search_id) WHERE by_page(search.application)
UNION ALL
SELECT s, product, position FROM event JOIN search USING (search_id)
WHERE action = 'impression' AND position IS NOT NULL AND NOT by_page(search.application)
UNION ALL
SELECT s, product, place.position FROM event JOIN search USING (search_id)
JOIN place USING (s, product)
WHERE action = 'impression' AND event.position IS NULL AND NOT by_page(search.application)
UNION ALL
SELECT s, product, place.position FROM credited JOIN place USING (s, product) WHERE NOT early
UNION ALL
SELECT s, product, position FROM credited JOIN search USING (s)
WHERE NOT early AND NOT has_products AND position IS NOT NULL
"""
_IMPRESSION = """
CREATE TEMP TABLE product AS
SELECT row_number() OVER (ORDER BY id)::INTEGER AS p, id
FROM (SELECT DISTINCT product AS id FROM seen);

CREATE TEMP TABLE impression AS
SELECT s, p, min(position)::INTEGER AS position FROM seen JOIN product ON id = product
GROUP BY s, p;

CREATE TEMP TABLE action AS
SELECT s, p, impression.position, action, time, dwell
FROM credited JOIN product ON id = product JOIN impression USING (s, p) WHERE NOT early
"""
_SHOWN = """
SELECT EXISTS (FROM search WHERE has_products)
    OR EXISTS (FROM event JOIN search USING (search_id) WHERE action = 'impression')
"""
_CONTRADICTED = """
WITH page AS (
    SELECT search_id, product, min(place)::INTEGER AS place FROM (
        SELECT search_id, unnest(products) AS product,
               unnest(range(first, first + len(products))) AS place
        FROM searches
    ) GROUP BY search_id, product
), told AS (
    SELECT application, search_id, product, action = 'impression' AS shown, position, place,
           position <> place AS off
    FROM event JOIN search USING (search_id) JOIN page USING (search_id, product)
    WHERE position IS NOT NULL
)
SELECT application, count(*), count(*) FILTER (position = place - 1),
       count(*) FILTER (off AND shown), count(*) FILTER (shown),
       count(*) FILTER (off AND NOT shown), count(*) FILTER (NOT shown),
       arg_min(struct_pack(search_id, product, position, place), (NOT shown, search_id, place))
           FILTER (off)
FROM told GROUP BY application HAVING bool_or(off) ORDER BY count(*) FILTER (off) DESC, application
"""


@dataclass(frozen=True, slots=True)
class _Contradicted:
    """An application whose events name other places than its pages: how many have a place, name
    the one above, and of impressions and actions how many are off; one of them."""

    application: str
    placed: int
    below: int
    off_impressions: int
    impressions: int
    off_actions: int
    actions: int
    example: dict[str, Any]

    def __str__(self) -> str:
        return (
            f"{self.off_impressions:,} of {self.impressions:,} impressions and "
            f"{self.off_actions:,} of {self.actions:,} actions of {_named(self.application)} name "
            f"another place than their page, {self.below:,} of them one too low (query id "
            "{search_id}, product {product}: logged position {position}, position on the page "
            "{place})".format_map(self.example)
        )


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of a log. `orphans` are actions without a known search, of which `credited` were
    put to a search that had shown the product; `early` ones came before their search, `unseen` ones
    are of products that it did not show, and neither counts. `flagged` are shoppers."""

    now: float | None
    by_page: tuple[str, ...] = ()
    by_events: tuple[str, ...] = ()
    searches: int = 0
    orphans: int = 0
    credited: int = 0
    early: int = 0
    unseen: int = 0
    flagged: int = 0


def join(connection: DuckDBPyConnection, reading: Reading) -> Joined:
    """Makes the tables from the views of `training.events.tables.open_tables`, without what
    flagged shoppers did.

    Raises:
        BadInput: there are no searches (in the window), times or positions contradict each other,
            or nothing was seen; says which.
    """
    now = _make_searches(connection, reading)
    until = reading.now if reading.now is not None else float("inf")
    # A view takes no parameters.
    connection.execute(_EVENT.replace("$until", repr(until).replace("inf", "'inf'::DOUBLE")))
    by_page, by_events = _choose(connection, reading)
    connection.execute(
        _CREDITED.replace("$skew", repr(float(reading.skew_seconds))).replace(
            "$credit", repr(reading.credit_minutes * 60.0)
        )
    )
    _check_clocks(connection)
    connection.execute(_PLACE)
    _check_positions(connection, reading)
    connection.execute(_SEEN)
    connection.execute(_IMPRESSION)
    if not one(connection, _SHOWN)[0]:
        raise BadInput(
            "the log has clicks without impressions: no search lists its products and no "
            "impression event names one; log the hits of a search, or "
            "events of the action 'impression'",
            field="impressions",
        )
    return _told(connection, now, by_page, by_events)


def _make_searches(connection: DuckDBPyConnection, reading: Reading) -> float:
    """The table of searches in the window; the moment it ends."""
    count, first, last, place = one(
        connection, "SELECT count(*), min(time), max(time), min(first) FROM searches"
    )
    if not count:
        raise BadInput("the log has no searches; name a log that has them", field="events")
    if last > _MILLISECONDS:
        raise BadInput(
            f"the time {last:g} is in milliseconds; times are seconds since 1970", field="time"
        )
    if place < 1:
        raise BadInput(f"a page begins at position {place}; positions begin at 1", field="first")
    now = last if reading.now is None else reading.now
    since = float("-inf") if reading.window_days is None else now - reading.window_days * DAY
    half_life = reading.half_life_days
    weight = "1.0" if half_life is None else f"pow(0.5, ($now - time) / {half_life * DAY!r})"
    sql = _SEARCH.format(weight=weight)
    connection.execute(sql, {"now": now, "since": since})
    if not one(connection, "SELECT count(*) FROM search")[0]:
        raise BadInput(
            f"no search of a shopper lies in the window that ends at {now:.0f}: the log has "
            f"{count}, from {first:.0f} to {last:.0f}; give another window",
            field="window_days",
        )
    return float(now)


def _choose(
    connection: DuckDBPyConnection, reading: Reading
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The applications whose pages count as seen, and those whose impression events say what was;
    makes the function `by_page(application)`."""
    applications = {name for (name,) in rows(connection, "SELECT DISTINCT application FROM search")}
    logging = {
        name
        for (name,) in rows(
            connection,
            "SELECT DISTINCT search.application FROM event JOIN search USING (search_id) "
            "WHERE action = 'impression'",
        )
    }
    by_events = {"events": applications, "page": set(), "auto": logging}[reading.impressions]
    by_page = tuple(sorted(applications - by_events))
    connection.execute("CREATE TEMP TABLE paged (application VARCHAR)")
    if by_page:
        connection.executemany("INSERT INTO paged VALUES (?)", [[name] for name in by_page])
    connection.execute("CREATE TEMP MACRO by_page(name) AS name IN (SELECT application FROM paged)")
    return by_page, tuple(sorted(by_events & applications))


def _check_clocks(connection: DuckDBPyConnection) -> None:
    early, actions = one(connection, "SELECT count(*) FILTER (early), count(*) FROM credited")
    if early and early >= _AMISS * actions:
        raise BadInput(
            f"clocks are out of order: {early} of {actions} actions are earlier than the search "
            "they name; set the clocks of what logs searches and events, and import again",
            field="time",
        )


def _check_positions(connection: DuckDBPyConnection, reading: Reading) -> None:
    """Where the page's own order is asked for, no logged position is read that a page has too."""
    lowest, application, search_id, product = one(
        connection,
        "SELECT min(position), "
        "unnest(arg_min(struct_pack(a := application, s := search_id, p := product), position)) "
        "FROM event LEFT JOIN search USING (search_id)",
    )
    if lowest is not None and lowest < 1:
        raise BadInput(
            "positions from 0 and from 1 are mixed: pages begin at 1, events of "
            f"{_named(application)} at {lowest} (query id {search_id}, product {product}); "
            f"{_FROM_0}",
            field="position",
        )
    off, both = one(
        connection,
        "SELECT count(*) FILTER (credited.position <> place.position), count(credited.position) "
        "FROM credited JOIN place USING (s, product) WHERE NOT early",
    )
    if both and off >= _AMISS * both and reading.impressions != "page":
        told = [_Contradicted(*row) for row in rows(connection, _CONTRADICTED)]
        from_0 = sum(each.below for each in told) >= _ALL * sum(each.placed for each in told)
        raise BadInput(
            f"positions {'from 0 and from 1 are mixed' if from_0 else 'contradict their pages'}: "
            f"{'; '.join(map(str, told))}; {_FROM_0 if from_0 else _PAGE_ORDER}",
            field="position",
        )


def _named(application: str | None) -> str:
    return f"the application {application}" if application else "no application"


def _told(
    connection: DuckDBPyConnection, now: float, by_page: tuple[str, ...], by_events: tuple[str, ...]
) -> Joined:
    counts = one(
        connection,
        "SELECT (SELECT count(*) FROM search), (SELECT count(*) FROM orphan), "
        "(SELECT count(*) FROM credited), (SELECT count(*) FROM credited WHERE early), "
        "(SELECT count(*) FROM action), "
        "(SELECT count(DISTINCT who) FROM flagged)",
    )
    searches, orphans, taken, early, actions, flagged = counts
    known = one(
        connection,
        "SELECT count(*) FROM event JOIN search USING (search_id) WHERE action <> 'impression'",
    )[0]
    return Joined(
        now,
        by_page,
        by_events,
        searches,
        orphans,
        taken - known,
        early,
        taken - early - actions,
        flagged,
    )
