"""What is wrong with a log as a whole, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training.events.database import rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SKEW = 60.0
"""Seconds by which clocks may differ."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before learning from a log: its name for machines, what was found, with
    its count, and the remedy."""

    name: str
    count: int
    text: str


_TOTALS = """
SELECT (SELECT count(*) FROM {searches}), (SELECT count(*) FROM {events}),
       count(*) FILTER (action = 'click'), count(*) FILTER (action = 'impression'),
       (SELECT count(DISTINCT q) FROM (SELECT lower(trim(query)) AS q FROM {searches}
           UNION ALL SELECT lower(trim(query)) FROM {events}) WHERE q <> ''),
       count(DISTINCT position) FILTER (action IN ('impression', 'click')),
       count(*) FILTER (action IN ('impression', 'click') AND position IS NULL),
       count(*) FILTER (action = 'click' AND search_id = ''),
       (SELECT count(*) FROM {searches} WHERE len(products) > 0)
FROM {events}
"""
_EARLY = """
SELECT count(*) FILTER (e.time < s.time - {skew}) FROM {events} e
JOIN (SELECT search_id, min(time) AS time FROM {searches} GROUP BY 1) s USING (search_id)
"""
_UNSEEN = """
WITH seen AS (SELECT search_id, product, min(time) AS time FROM {events}
              WHERE action = 'impression' GROUP BY 1, 2)
SELECT count(*) FILTER (s.product IS NULL AND e.search_id IN (SELECT search_id FROM seen)),
       count(*) FILTER (e.time < s.time - {skew})
FROM {events} e LEFT JOIN seen s USING (search_id, product) WHERE e.action = 'click'
"""


def find(connection: DuckDBPyConnection, searches: str, events: str) -> list[Finding]:
    """What stands in the way of learning from the tables named `searches` and `events`."""
    names: dict[str, Any] = {"searches": searches, "events": events, "skew": _SKEW}
    totals = rows(connection, _TOTALS.format(**names))[0]
    early = rows(connection, _EARLY.format(**names))[0][0]
    unseen, before = rows(connection, _UNSEEN.format(**names))[0]
    return [*_missing(*totals), *_doubtful(totals, unseen, early + before)]


def _missing(
    searches: int,
    events: int,
    clicks: int,
    impressions: int,
    queries: int,
    positions: int,
    unplaced: int,
    alone: int,
    pages: int,
) -> list[Finding]:
    found = []
    if not clicks:
        found.append(Finding("no_clicks", events, "no clicks: nothing can be learned from it; log "
                             "events with action_name click"))  # fmt: skip
    if clicks and not impressions:
        also = (
            "the hits of each search are taken to be seen"
            if pages
            else "nor do its searches name their hits: log one of them"
        )
        text = f"{clicks} clicks without a single impression; {also}"
        found.append(Finding("no_impressions", clicks, text))
    if queries == 1:
        found.append(Finding("one_query", 1, "only one query: what is learned holds for it alone"))
    if positions == 1:
        found.append(Finding("one_position", 1, "only one position: its bias cannot be told from "
                             "anything; log every position that was seen"))  # fmt: skip
    return found


def _doubtful(totals: tuple[Any, ...], unseen: int, early: int) -> list[Finding]:
    _, _, clicks, impressions, _, _, unplaced, alone, _ = totals
    found = []
    if unplaced:
        text = f"{unplaced} impressions or clicks have no position, and no search that tells it"
        found.append(Finding("no_position", unplaced, text))
    if alone:
        text = f"{alone} of {clicks} clicks name no search (query_id)"
        found.append(Finding("no_search", alone, text))
    if unseen and impressions:
        text = f"{unseen} of {clicks} clicks are on products without an impression in their search"
        found.append(Finding("unseen_clicks", unseen, text))
    if early:
        text = (
            f"{early} events happened over {_SKEW:.0f} s before their search or impression: clocks "
            "are out of order; take one clock, or send times in UTC"
        )
        found.append(Finding("clocks", early, text))
    return found
