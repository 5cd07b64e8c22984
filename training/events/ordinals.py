"""Whether a source counts positions from 0 or from 1: found out, said, and never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from search.errors import BadInput
from training.events.database import quoted, rows
from training.events.rules import Rules

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MIXED = 0.05
"""The share of searches that start at the other number from which on both are meant; below it,
a first impression was lost here and there."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where positions start in one source (file and application), and how that is known."""

    name: str
    ordinals_from: int
    because: str


class Wanted(Protocol):
    """What decides: what was asked for, and the positions there may be."""

    @property
    def ordinals_from(self) -> int | None:
        """0 or 1, or None to find out."""
        ...

    @property
    def rules(self) -> Rules:
        """The limits of a position."""
        ...


_EVIDENCE = """
WITH placed AS (SELECT * FROM {events} WHERE position IS NOT NULL),
starts AS (
    SELECT source, search_id, min(position) AS first FROM placed
    WHERE action = 'impression' AND search_id <> '' GROUP BY ALL
)
SELECT source, count(*), count(*) FILTER (position = 0),
       (SELECT count(*) FROM starts s WHERE s.source = p.source AND first = 0),
       (SELECT count(*) FROM starts s WHERE s.source = p.source AND first = 1)
FROM placed p GROUP BY source ORDER BY source
"""
_PLACES = """
UPDATE {events} AS e SET position = s.place FROM (
    SELECT search_id, product, min(first + place - 1)::INTEGER AS place FROM (
        SELECT search_id, first, unnest(products) AS product,
               unnest(range(1, len(products) + 1)) AS place FROM {searches}
    ) GROUP BY ALL
) s WHERE e.position IS NULL AND e.product <> '' AND e.search_id = s.search_id
  AND e.product = s.product
"""


def settle_ordinals(
    connection: DuckDBPyConnection, events: str, searches: str, wanted: Wanted
) -> tuple[list[Source], int]:
    """Makes all positions 1-based; says what each source's were, and how many events were taken
    out because no product can be where they say.

    Events without a position get that of their product among their search's hits.

    Raises:
        BadInput: a source has positions from 0 and from 1.
    """
    sources = [
        _source(name, placed, zeros, from_0, from_1, wanted.ordinals_from)
        for name, placed, zeros, from_0, from_1 in rows(connection, _EVIDENCE.format(events=events))
    ]
    for source in sources:
        if source.ordinals_from == 0:
            connection.execute(
                f"UPDATE {events} SET position = position + 1 WHERE source = {quoted(source.name)}"
            )
    wrong = rows(
        connection,
        f"DELETE FROM {events} WHERE position NOT BETWEEN 1 AND {wanted.rules.positions}",
    )
    connection.execute(_PLACES.format(events=events, searches=searches))
    return sources, int(wrong[0][0])


def _source(
    name: str, placed: int, zeros: int, from_0: int, from_1: int, asked: int | None
) -> Source:
    if asked is not None:
        return Source(name, asked, "as asked for")
    starts = from_0 + from_1
    if starts and min(from_0, from_1) >= _MIXED * starts:
        raise BadInput(
            f"{name}: positions start at 0 in {from_0} searches and at 1 in {from_1}; mend the "
            "file, or say --ordinals-from 0 or --ordinals-from 1 for all of it",
            field="ordinals-from",
        )
    if starts:
        first = 0 if from_0 > from_1 else 1
        seen = max(from_0, from_1)
        return Source(name, first, f"the impressions of {seen} of {starts} searches start there")
    if zeros:
        return Source(name, 0, f"{zeros} of {placed} positions are 0")
    return Source(name, 1, f"none of {placed} positions is 0")
