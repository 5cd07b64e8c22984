"""A log in periods, so that features are as they were before what is learned from them.

What shoppers did with a product changes every day, and is itself made of clicks. A candidate is
therefore learned from once a period: its features are as they were when the period began, its
clicks came after that, in this period or a later one (landmarks: van Houwelingen 2007, "Dynamic
prediction by landmarking in event history analysis", Scandinavian Journal of Statistics 34). A mean
of features over all of a log would know its clicks: what was clicked a lot early on has a high rate
later, by chance too. Nothing that came before a period is in its labels, for the same reason.

Clicks until the end, not those of the period alone: relevance lasts, and few products are clicked
often enough in a few days to tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from training.clicks.counts import ClickCounts
from training.learners.clicked import (
    About,
    Cells,
    ClickedTables,
    kin,
    matched,
    require_clicks,
    rows_only,
    with_gains,
)
from training.propensity.seams import Propensities
from training.tables import JudgedQuery, Tables, stack

DAY = 86_400.0
MOST = 4
"""Periods that what is learned from is cut into at most, before what is held out."""


def moments_between(first: float, cut: float) -> tuple[float, ...]:
    """When each period begins, the last at `cut`; whole days apart, none later than `first`
    without a search (all seconds since 1970)."""
    days = (cut - first) / DAY
    length = max(ceil(days / MOST - 1e-9), 1)
    count = max(ceil(days / length - 1e-9), 1)
    return tuple(cut - (count - i) * length * DAY for i in range(count + 1))


def from_then_on(periods: int, last: int) -> list[list[float]]:
    """For each period up to `last`, what every one of `periods` counts for in it."""
    return [[float(own <= each <= last) for each in range(periods)] for own in range(last + 1)]


def clicked_periods(
    tables: Sequence[Tables],
    counts: Sequence[ClickCounts],
    propensities: Propensities,
    about: About | None = None,
) -> ClickedTables:
    """As `clicked_tables`, of several periods: `tables` are the candidates with features as they
    were when each began, `counts` what was seen and clicked from then on. The first has all
    candidates and what people judged; the others those that were seen.

    Raises:
        BadInput: as `clicked_tables`.
    """
    queries: list[JudgedQuery] = []
    parts: list[Cells] = []
    begin, seen = 0, 0.0
    for number, (table, own) in enumerate(zip(tables, counts, strict=False)):
        part, cells = _one(table, matched(table, own, propensities), number)
        if part is not None:
            queries += part.queries
            parts.append(replace(cells, rows=cells.rows + begin))
            begin += len(part.query)
        seen += float(own.impressions.sum())
    stacked = stack(queries, tables[0].schema)
    cells = _concatenated(parts)
    require_clicks(cells, stacked)
    left_out = 1.0 - float(cells.impressions.sum()) / max(seen, 1e-12)
    return ClickedTables(stacked, cells, propensities, kin(stacked, about or About()), left_out)


def _one(tables: Tables, cells: Cells, number: int) -> tuple[Tables | None, Cells]:
    """A period's candidates by its number; None where none was seen."""
    if not number:
        return tables, cells
    kept = np.zeros(len(tables.query), np.bool_)
    kept[cells.rows] = True
    if not kept.any():
        return None, cells
    part = rows_only(with_gains(tables, np.full(len(kept), np.nan)), kept)
    named = tuple(replace(each, period=number) for each in part.queries)
    return replace(part, queries=named), replace(cells, rows=(np.cumsum(kept) - 1)[cells.rows])


def _concatenated(parts: Sequence[Cells]) -> Cells:
    names = ("rows", "positions", "impressions", "clicks", "looked")
    return Cells(*(np.concatenate([getattr(each, name) for each in parts]) for name in names))
