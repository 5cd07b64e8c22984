"""What is wrong with a log as a whole, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from search.types import ACTIONS
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
_UNKNOWN = """
SELECT count(*), count(*) FILTER (named = ''), count(DISTINCT named) FILTER (named <> '')
FROM (SELECT coalesce(search_id, '') AS named FROM {events}) AS e
WHERE named = '' OR NOT EXISTS (SELECT 1 FROM {searches} s WHERE s.search_id = named)
"""


def find(connection: DuckDBPyConnection, searches: str, events: str) -> list[Finding]:
    """What stands in the way of learning from the tables named `searches` and `events`."""
    names: dict[str, Any] = {"searches": searches, "events": events, "skew": _SKEW}
    totals = rows(connection, _TOTALS.format(**names))[0]
    early = rows(connection, _EARLY.format(**names))[0][0]
    unseen, before = rows(connection, _UNSEEN.format(**names))[0]
    return [*_missing(*totals), *_doubtful(totals, unseen, early + before)]


def to_look_at(connection: DuckDBPyConnection, searches: str, events: str) -> list[Finding]:
    """What is no fault of a file by itself, but should be known of a log: events of no known
    search, and actions that nothing is learned from."""
    total = int(rows(connection, f"SELECT count(*) FROM {events}")[0][0])
    unknown, nameless, ids = rows(connection, _UNKNOWN.format(searches=searches, events=events))[0]
    found = []
    if unknown:
        text = (
            f"{unknown:,} of {total:,} events belong to no known search: {nameless:,} name none, "
            f"{unknown - nameless:,} name one of {ids:,} that the log lacks; import the searches "
            "too, or send the query_id of the answer"
        )
        found.append(Finding("unknown_search", unknown, text))
    return [*found, *_other_actions(connection, events)]


def _other_actions(connection: DuckDBPyConnection, events: str) -> Iterator[Finding]:
    """A finding for all actions that are not UBI's own, with what a misspelled one may mean."""
    known = ", ".join(f"'{action}'" for action in ACTIONS)
    others = rows(
        connection,
        f"SELECT action, count(*) FROM {events} WHERE action NOT IN ({known}) "
        "GROUP BY action ORDER BY count(*) DESC, action",
    )
    if others:
        named = ", ".join(f"{action} {count:,}{_meant(action)}" for action, count in others)
        text = (
            f"actions that are not UBI's own, which are kept and not learned from: {named}; where "
            "one is another name of UBI's, import with --action theirs=ours"
        )
        yield Finding("other_actions", sum(count for _, count in others), text)


def _meant(action: str) -> str:
    near = get_close_matches(action.lower(), ACTIONS, n=1, cutoff=0.8)
    return f" ({near[0]}?)" if near else ""


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
