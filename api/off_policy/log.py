"""A log's shown products with their clicks, for off-policy evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.off_policy import ClickLog
from search.errors import BadInput
from training.clicks import Reading
from training.clicks.database import arrays, one
from training.clicks.reading import open_log

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from training.clicks.joining import Joined

MOST = 200_000
"""Searches that are taken at most, chosen by chance that is the same every time."""
DEPTH = 50

_OF_LOG = """
CREATE TEMP TABLE chosen AS
SELECT s, query, time, shopper FROM search JOIN (
    SELECT search_id, bool_or(coalesce(attributes ->> '$.sort', '') <> ''
            OR coalesce(attributes ->> '$.filters', '[]') <> '[]') AS narrowed,
        min(coalesce(nullif(client, ''), nullif(session, ''), search_id)) AS shopper
    FROM searches GROUP BY search_id
) USING (search_id) WHERE NOT narrowed AND time >= $since ORDER BY hash(search_id), s LIMIT $most;
"""
_CHANCE = """
CREATE TEMP TABLE chance AS
SELECT s, p, min(chance) AS chance FROM (
    SELECT search_id, unnest(products) AS id, unnest(propensities) AS chance
    FROM searches WHERE len(propensities) = len(products)
) JOIN search USING (search_id) JOIN product USING (id) GROUP BY s, p
"""
_OF_SESSIONS = """
CREATE TEMP TABLE chosen AS
SELECT s, query, NULL::DOUBLE AS time, s::VARCHAR AS shopper FROM search
ORDER BY hash(s), s LIMIT $most
"""
_NO_CHANCE = """
CREATE TEMP TABLE chance AS SELECT s, p, 1.0 AS chance FROM impression WHERE false
"""
_DISPLAYED = """
CREATE TEMP TABLE displayed AS
SELECT s, query, shopper, p, position, coalesce(chance, 1.0) AS chance,
    acted.p IS NOT NULL AS clicked
FROM impression JOIN chosen USING (s) LEFT JOIN chance USING (s, p)
LEFT JOIN (SELECT DISTINCT s, p FROM action WHERE action = 'click') AS acted USING (s, p)
WHERE position <= $depth
"""
_DOCUMENT = """
CREATE TEMP TABLE document AS
SELECT (row_number() OVER (ORDER BY query, id) - 1)::INTEGER AS d,
    (dense_rank() OVER (ORDER BY query) - 1)::INTEGER AS q, query, p, id
FROM (SELECT DISTINCT query, p FROM displayed) JOIN product USING (p)
"""
_ROWS = """
SELECT (dense_rank() OVER (ORDER BY shopper) - 1)::INTEGER AS unit,
    (dense_rank() OVER (ORDER BY s) - 1)::INTEGER AS search, d, position::INTEGER AS position,
    clicked::DOUBLE AS clicks, chance::DOUBLE AS chance
FROM displayed JOIN document USING (query, p) ORDER BY s, position, d
"""


@dataclass(frozen=True, slots=True)
class Window:
    """The searches to take: from `since` until `until` (seconds since 1970; None: open), the first
    `depth` positions of at most `most` of them."""

    since: float | None = None
    until: float | None = None
    depth: int = DEPTH
    most: int = MOST


@dataclass(frozen=True, slots=True)
class Logged:
    """A log that was read: `clicks`, the `texts` of its queries by code, the `products` of its
    documents by code, when its first and last search were made (None without times), and remarks
    for people."""

    clicks: ClickLog
    texts: tuple[str, ...]
    products: tuple[str, ...]
    first: float | None
    last: float | None
    remarks: tuple[str, ...]

    @property
    def searches(self) -> int:
        """All searches."""
        return int(self.clicks.searches.max()) + 1

    def most_asked(self, limit: int) -> tuple[Logged, tuple[str, ...]]:
        """Of the `limit` queries that are asked most; and what is left out, for people."""
        if len(self.texts) <= limit:
            return self, ()
        log = self.clicks
        first = np.flatnonzero(np.diff(log.searches, prepend=-1))
        asked = np.bincount(log.queries[log.documents[first]], minlength=len(self.texts))
        kept = np.sort(np.argsort(-asked, kind="stable")[:limit])
        clicks, documents = log.of_queries(kept)
        share = 1 - float(asked[kept].sum() / asked.sum())
        said = (
            f"{len(self.texts) - limit:,} seldom asked queries with {share:.0%} of the searches "
            "are left out (--queries)"
        )
        texts = tuple(self.texts[query] for query in kept.tolist())
        products = tuple(self.products[document] for document in documents.tolist())
        return replace(self, clicks=clicks, texts=texts, products=products), (said,)

    def shown(self) -> dict[str, tuple[str, ...]]:
        """Every query's shown products by id."""
        found: dict[str, list[str]] = {text: [] for text in self.texts}
        for query, product in zip(self.clicks.queries.tolist(), self.products, strict=True):
            found[self.texts[query]].append(product)
        return {text: tuple(products) for text, products in found.items()}


def read_clicks(events: Sequence[Path], window: Window = Window()) -> Logged:
    """The log's shown products: of pages where these are logged, else of impression events. What
    was filtered, or sorted by price and the like, and what flagged shoppers did, is left out.

    Raises:
        BadInput: the log cannot be read, or nothing was shown or clicked in the window.
    """
    try:
        return _read(events, window, Reading(None, None, now=window.until, impressions="page"))
    except BadInput as error:
        if error.field != "impressions":
            raise
    return _read(events, window, Reading(None, None, now=window.until))


def _read(events: Sequence[Path], window: Window, reading: Reading) -> Logged:
    with open_log(events, reading) as (connection, joined, remarks):
        _choose(connection, joined, window)
        connection.execute(_DISPLAYED, {"depth": window.depth})
        connection.execute(_DOCUMENT)
        found = arrays(connection, _ROWS)
        documents = arrays(connection, "SELECT q, query, id FROM document ORDER BY d")
        first, last, count = one(connection, "SELECT min(time), max(time), count(*) FROM chosen")
        every = one(connection, "SELECT count(*) FROM search")[0]
    if not len(found["d"]):
        raise BadInput(
            "no search of these days shows products in the shop's own order; name other days, or "
            "a log that lists what was shown",
            field="events",
        )
    if count == window.most < every:
        remarks = (*remarks, f"{count:,} of {every:,} searches, chosen by chance, are used")
    clicks = _log(found, documents["q"])
    clicks.check()
    texts = dict(zip(documents["q"].tolist(), documents["query"].tolist(), strict=True))
    products = tuple(documents["id"].tolist())
    return Logged(
        clicks, tuple(texts.values()), products, first, last, (*remarks, *_days(first, last))
    )


def _choose(connection: DuckDBPyConnection, joined: Joined, window: Window) -> None:
    if joined.now is None:
        if window.since is not None or window.until is not None:
            raise BadInput("sessions have no times; leave --since and --until out", field="since")
        connection.execute(_OF_SESSIONS, {"most": window.most})
        connection.execute(_NO_CHANCE)
        return
    since = float("-inf") if window.since is None else window.since
    connection.execute(_OF_LOG, {"since": since, "most": window.most})
    connection.execute(_CHANCE)


def _log(found: dict[str, Any], queries: Any) -> ClickLog:
    return ClickLog(
        found["unit"].astype(np.int32),
        found["search"].astype(np.int32),
        found["d"].astype(np.int32),
        found["position"].astype(np.int32),
        found["clicks"].astype(np.float64),
        found["chance"].astype(np.float64),
        queries.astype(np.int32),
    )


def _days(first: float | None, last: float | None) -> tuple[str, ...]:
    if first is None or last is None:
        return ()
    days = [datetime.fromtimestamp(each, UTC).date().isoformat() for each in (first, last)]
    return (f"searches from {days[0]} to {days[1]}",)
