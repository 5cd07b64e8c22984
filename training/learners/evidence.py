"""Other evidence than clicks, in the same coin: looks, and how many of them ended in a click.

A judgment counts as so many looks by a shopper who clicks at the rate that its grade stands for; a
candidate that nobody was shown counts as so many looks without a click. Every learner takes both as
it takes clicks: as impressions at a position that is always looked at (`JUDGED`, `UNSEEN`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.learners.clicked import JUDGED, UNSEEN, Cells, ClickedTables, rows_only
from training.learners.logger import strength_of_logger
from training.learners.shrinkage import estimate_rates
from training.pairs import SAMPLED, unjudged_sample
from training.tables import Rows, Values

UNSEEN_LOOKS = 10.0
"""Looks without a click that not being shown counts as, where the logger knew what to leave out."""
_FEWEST = 20
"""Candidates both judged and looked at that it takes to see what a grade stands for."""


def with_judgments(clicked: ClickedTables, weight: float) -> ClickedTables:
    """Every human judgment in `tables.gains` as `weight` looks at the candidate."""
    judged = np.flatnonzero(~np.isnan(clicked.tables.gains))
    if weight <= 0 or not len(judged):
        return clicked
    rates = rates_of_gains(clicked)[judged]
    return _added(clicked, JUDGED, judged, np.full(len(judged), weight), rates)


def rates_of_gains(clicked: ClickedTables) -> Values:
    """The click rate that each row's gain stands for, NaN where nobody judged: the line through
    clicks per look over gains, by least squares weighted by looks, over candidates that were judged
    and seen. With too few of these it spans the shrunk rates from the 5th to the 95th percentile.

    Clicks as they are, not shrunk ones: these are near each other where evidence is little, and the
    line through them too flat.
    """
    gains, looks = clicked.tables.gains, clicked.examined
    both = ~np.isnan(gains) & (looks > 0)
    low, high = np.quantile(estimate_rates(clicked).rates[looks > 0], (0.05, 0.95))
    top = max(float(np.nanmax(gains)), 1e-12)
    slope, base = (high - low) / top, low
    if both.sum() >= _FEWEST and np.ptp(gains[both]) > 0:
        rates = clicked.clicks[both] / looks[both]
        fitted = np.polyfit(gains[both], rates, 1, w=np.sqrt(looks[both]))
        if fitted[0] > 0:
            slope, base = fitted
    return np.asarray(np.clip(base + slope * gains, 1e-6, 1.0), np.float64)


def with_unseen(clicked: ClickedTables, looks: float, seed: int) -> ClickedTables:
    """Some candidates of each query that nobody was shown or judged, as `looks` looks without a
    click: the ranker that kept them from the page knew something. Queries nobody asked have no such
    page."""
    if looks <= 0:
        return clicked
    tables, known = clicked.tables, clicked.impressions > 0
    asked = np.bincount(tables.query, ~np.isnan(clicked.places), len(tables)) > 0
    marks = np.where(known, 0.0, np.nan)
    found = [
        tables.offsets[i] + unjudged_sample(replace(each, gains=own), seed, SAMPLED)
        for i, (each, own) in enumerate(
            zip(tables.queries, np.split(marks, tables.offsets[1:-1]), strict=True)
        )
        if asked[i]
    ]
    rows = np.concatenate(found) if found else np.empty(0, np.int64)
    return _added(clicked, UNSEEN, rows, np.full(len(rows), looks), np.zeros(len(rows)))


def gathered(
    clicked: ClickedTables, judgment_weight: float, unseen: float | None, seed: int
) -> ClickedTables:
    """All evidence together, and nothing there is none of: what learners are given.

    `unseen` is how many looks not being shown counts as; None lets the log decide: none, unless its
    ranker was near the best there is (`LoggerStrength.strong`). A good one's choice says what is
    irrelevant, a weak one's says nothing, and taking it at its word costs more than it brings.
    """
    if unseen is None:
        unseen = UNSEEN_LOOKS if strength_of_logger(clicked).strong else 0.0
    mixed = with_unseen(with_judgments(clicked, judgment_weight), unseen, seed)
    return seen_only(mixed)


def seen_only(clicked: ClickedTables) -> ClickedTables:
    """Without the candidates (and queries) there is no evidence of."""
    kept = clicked.impressions > 0
    if kept.all():
        return clicked
    place = np.cumsum(kept) - 1
    return replace(
        clicked,
        tables=rows_only(clicked.tables, kept),
        cells=replace(clicked.cells, rows=place[clicked.cells.rows]),
        kin=clicked.kin.take(np.flatnonzero(kept)),
    )


def _added(
    clicked: ClickedTables, position: int, rows: Rows, looks: Values, rates: Values
) -> ClickedTables:
    positions = np.full(len(rows), position, np.int32)
    cells = Cells(rows, positions, looks, looks * rates, np.ones(len(rows)))
    return replace(clicked, cells=clicked.cells.and_then(cells))
