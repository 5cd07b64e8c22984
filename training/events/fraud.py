"""Bots and click fraud: who is flagged, by which rule.

A shopper is told by the client, or by the session where no client is known. The rules are plain
and stated, so that a shop can say why somebody's clicks do not count; none is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WHO = "coalesce(nullif(client, ''), nullif(session, ''))"
"""Who did it, in SQL: the client, else the session, else NULL (nobody that could be flagged)."""


@dataclass(frozen=True, slots=True)
class FraudRules:
    """The limits beyond which a shopper's rows do not count.

    `rate`: more events than this in one minute, impressions and views apart (a page of results
    sends many at once). `speed`: at least `fast_clicks` clicks that came within `reaction` seconds
    of the product's impression, or of the click before. `click_all`: at least `all_share` of at
    least `all_least` impressions were clicked. `no_impression`: at least `unseen_least` clicks on
    products of searches that logged impressions, none of which was of the product clicked, and
    these are more than half of the clicks.
    """

    rate: int = 60
    reaction: float = 0.1
    fast_clicks: int = 3
    all_share: float = 0.9
    all_least: int = 20
    unseen_least: int = 5


_SQL = """
CREATE OR REPLACE {what} flagged AS
WITH done AS (
    SELECT {who} AS who, action, time, search_id, product FROM events WHERE {who} IS NOT NULL
), clicks AS MATERIALIZED (
    SELECT who, time, search_id, product,
           time - lag(time) OVER (PARTITION BY who ORDER BY time) AS gap
    FROM done WHERE action = 'click'
), impressions AS (
    SELECT * FROM done WHERE action = 'impression'
), logged AS (
    SELECT DISTINCT search_id FROM impressions SEMI JOIN clicks USING (search_id)
), seen AS (
    SELECT who, search_id, product, min(time) AS first
    FROM impressions SEMI JOIN clicks USING (who, search_id, product) GROUP BY ALL
), clicked AS MATERIALIZED (
    SELECT c.*, c.time - s.first AS reaction, s.first IS NOT NULL AS seen,
           l.search_id IS NOT NULL AS logged
    FROM clicks c LEFT JOIN seen s USING (who, search_id, product)
    LEFT JOIN logged l ON l.search_id = c.search_id
), shares AS (
    SELECT who, clicked FROM
        (SELECT who, count(*) AS shown FROM impressions GROUP BY who)
        JOIN (SELECT who, count(DISTINCT (search_id, product)) AS clicked FROM clicked
              WHERE seen GROUP BY who) USING (who)
    WHERE shown >= {all_least} AND clicked >= {all_share} * shown
)
SELECT who, 'rate' AS rule, max(n) AS count FROM (
    SELECT who, count(*) AS n FROM done WHERE action NOT IN ('impression', 'view')
    GROUP BY who, floor(time / 60)
) GROUP BY who HAVING max(n) > {rate}
UNION ALL
SELECT who, 'speed', count(*) FROM clicked
WHERE reaction BETWEEN 0 AND {reaction} OR gap < {reaction}
GROUP BY who HAVING count(*) >= {fast_clicks}
UNION ALL
SELECT who, 'click_all', clicked FROM shares
UNION ALL
SELECT who, 'no_impression', count(*) FILTER (logged AND NOT seen) FROM clicked
GROUP BY who HAVING count(*) FILTER (logged AND NOT seen) >= {unseen_least}
   AND count(*) FILTER (logged AND NOT seen) * 2 > count(*)
"""


def create_flagged(connection: DuckDBPyConnection, rules: FraudRules) -> None:
    """Creates the views `flagged` (who, rule, count: of the events that broke it), and
    `clean_searches` and `clean_events`, which leave out whoever is in it."""
    _create(connection, rules, "VIEW")
    for table in ("searches", "events"):
        connection.execute(
            f"CREATE OR REPLACE VIEW clean_{table} AS SELECT * FROM {table} "
            f"WHERE {WHO} IS NULL OR {WHO} NOT IN (SELECT who FROM flagged)"
        )


def flag(connection: DuckDBPyConnection, rules: FraudRules | None = None) -> dict[str, int]:
    """Settles `flagged` as a table; how many are flagged by each rule.

    Worth it before several queries over `clean_events`: the view asks the whole log each time.
    """
    connection.execute("DROP VIEW IF EXISTS flagged")
    _create(connection, rules or FraudRules(), "TABLE")
    rows = connection.execute("SELECT rule, count(*) FROM flagged GROUP BY rule ORDER BY rule")
    return dict(rows.fetchall())


def _create(connection: DuckDBPyConnection, rules: FraudRules, what: str) -> None:
    limits = {name: getattr(rules, name) for name in rules.__slots__}
    # Who clicked less than any rule asks for has broken none: most impressions need not be joined.
    many = rules.all_share * rules.all_least
    limits |= {"many": many, "few": min(rules.fast_clicks, rules.unseen_least, many)}
    connection.execute(_SQL.format(what=what, who=WHO, **limits))
