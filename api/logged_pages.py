"""Shown pages of a log with their clicks, for estimates of what another order would be worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval import LoggedPages
from search.errors import BadInput
from training.events.tables import open_tables

_MOST = 20_000
_ROWS = """
WITH chosen AS (
    SELECT search_id, coalesce(nullif(normalized, ''), query) AS text, first, products, time,
        coalesce(nullif(client, ''), nullif(session, ''), search_id) AS shopper,
        coalesce(nullif(attributes ->> '$.device', ''), application, '') AS side
    FROM clean_searches
    WHERE time >= ? AND len(products) > 1 AND coalesce(attributes ->> '$.sort', '') = ''
    ORDER BY hash(search_id), search_id, first LIMIT ?
), shown AS (
    SELECT search_id, text, time, shopper, side, unnest(products) AS product,
        first - 1 + generate_subscripts(products, 1) AS position
    FROM chosen
), clicked AS (
    SELECT DISTINCT search_id, product FROM clean_events
    WHERE action = 'click' AND search_id <> ''
)
SELECT s.search_id, s.text, s.time, s.shopper, s.side, s.product, s.position,
    (c.product IS NOT NULL)::DOUBLE AS clicks
FROM shown s LEFT JOIN clicked c USING (search_id, product)
ORDER BY s.text, s.search_id, s.position
"""


class NoPages(BadInput):
    """A log has no page of the asked days that could be ordered otherwise."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Shown products, one a row: codes and clicks in `shown`, the queries' `texts` by code, and by
    row the `products`, `shoppers` (int32 codes: clients where they are known, else searches),
    `times` (float64, seconds since 1970) and `sides` (the device that the shop logged in the
    search's attributes, else its application)."""

    shown: LoggedPages
    texts: tuple[str, ...]
    products: tuple[str, ...]
    shoppers: NDArray[np.int32]
    times: NDArray[np.float64]
    sides: NDArray[np.str_]

    def clicked(self, rows: NDArray[np.bool_] | None = None) -> int:
        """How many shoppers clicked, in some of the rows."""
        chosen = self.shown.clicks > 0
        return len(np.unique(self.shoppers[chosen if rows is None else chosen & rows]))

    def only(self, rows: NDArray[np.bool_]) -> Pages:
        """Some of the rows; queries and shoppers keep their codes."""
        return Pages(
            only_rows(self.shown, rows),
            self.texts,
            tuple(np.array(self.products, object)[rows]),
            self.shoppers[rows],
            self.times[rows],
            self.sides[rows],
        )

    def candidates(self) -> Mapping[str, Sequence[str]]:
        """Every query's shown products, each once, by id."""
        found: dict[str, set[str]] = {}
        for query, product in zip(self.shown.queries.tolist(), self.products, strict=True):
            found.setdefault(self.texts[query], set()).add(product)
        return {text: sorted(products) for text, products in found.items()}


def read_pages(events: Sequence[Path], since: float | None, *, most: int = _MOST) -> Pages:
    """At most `most` pages from `since` on (seconds since 1970), chosen by chance that is the same
    every time; those of flagged shoppers and those sorted by price and the like are left out.

    Raises:
        NoPages: there are none.
        BadInput: the log cannot be read.
    """
    with open_tables(events) as connection:
        found = connection.execute(_ROWS, [since or 0.0, most]).fetchnumpy()
    if not len(found["position"]):
        raise NoPages("the log has no pages with two products in these days", field="events")
    texts, queries = np.unique(np.asarray(found["text"], str), return_inverse=True)
    _, searches = np.unique(np.asarray(found["search_id"], str), return_inverse=True)
    _, shoppers = np.unique(np.asarray(found["shopper"], str), return_inverse=True)
    shown = LoggedPages(
        searches.astype(np.int32),
        queries.astype(np.int32),
        np.asarray(found["position"], np.int32),
        np.asarray(found["clicks"], np.float64),
    )
    return Pages(
        shown,
        tuple(texts.tolist()),
        tuple(np.asarray(found["product"], str).tolist()),
        shoppers.astype(np.int32),
        np.asarray(found["time"], np.float64),
        np.asarray(found["side"], str),
    )


def only_rows(shown: LoggedPages, rows: NDArray[np.bool_]) -> LoggedPages:
    """Some of the rows."""
    return LoggedPages(
        shown.searches[rows], shown.queries[rows], shown.positions[rows], shown.clicks[rows]
    )
