"""Learners side by side with the logging order and with naive learning, paired over queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.comparison import Difference, difference
from training.learners.clicked import ClickedTables, rows_only, with_gains
from training.learners.logger import LoggerStrength
from training.learners.shrinkage import estimate_rates
from training.measures import yardstick
from training.tables import Tables, Values

LOGGING = "logging order"
NAIVE = "naive"
JUDGMENTS, CLICKS = "judgments", "held-out clicks"
MARGIN = 0.015
"""A correction that is worse than naive by more than that on judgments should not be used."""


@dataclass(frozen=True, slots=True)
class Row:
    """One order: its mean nDCG@10, and its differences from the logging order and from naive."""

    name: str
    ndcg: float
    against_logging: Difference
    against_naive: Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    """All orders by one measure: `JUDGMENTS` or `CLICKS`, on so many queries."""

    measure: str
    queries: int
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row:
        """One of them by name."""
        return next(each for each in self.rows if each.name == name)


def compare(measure: str, values: Mapping[str, Values]) -> Comparison:
    """From the nDCG@10 of each query under each order, float64 of shape (queries,); the logging
    order and naive must be among them."""
    rows = tuple(
        Row(
            name,
            float(found.mean()),
            difference(found - values[LOGGING]),
            difference(found - values[NAIVE]),
        )
        for name, found in values.items()
    )
    return Comparison(measure, len(values[NAIVE]), rows)


def logged_order(clicked: ClickedTables) -> Values:
    """Scores that put candidates where they were shown on average, others behind them in the fused
    order; float64 of shape (rows,)."""
    places = clicked.places
    fused = clicked.tables.fused
    behind = (fused - fused.max()) / max(float(np.ptp(fused)), 1e-12)
    return np.where(np.isnan(places), behind - 1e6, -np.nan_to_num(places))


def on_judgments(
    tables: Tables, texts: Sequence[str], scores: Mapping[str, Values]
) -> dict[str, Values]:
    """nDCG@10 of the queries with these texts, by the judged gains."""
    wanted = set(texts)
    chosen = [i for i, each in enumerate(tables.queries) if each.query in wanted]
    rows = np.isin(tables.query, chosen)
    measured = yardstick(tables.take(chosen))
    return {name: measured.ndcg(each[rows]) for name, each in scores.items()}


def on_clicks(later: ClickedTables, scores: Mapping[str, Values]) -> dict[str, Values]:
    """nDCG@10 of each query on the candidates that were seen later, with corrected click rates as
    gains: of what was seen alone, since nothing is known of the rest (condensed lists, Sakai
    2007). Queries without a later click cannot tell orders apart and are left out."""
    seen = later.impressions > 0
    clicks = np.bincount(later.tables.query, later.clicks, minlength=len(later.tables))
    kept = seen & (clicks[later.tables.query] > 0)
    rates = np.where(seen, estimate_rates(later, by_place=False).rates, np.nan)
    tables = rows_only(with_gains(later.tables, rates), kept)
    measured = yardstick(tables)
    return {name: measured.ndcg(each[kept]) for name, each in scores.items()}


def verdict(
    comparisons: Sequence[Comparison], learner: str, logger: LoggerStrength
) -> tuple[str, ...]:
    """What follows, in sentences: whether correcting helped, and whether the model should serve."""
    said = [logger.warning] if logger.warning else []
    for each in comparisons:
        if learner != NAIVE:
            said.append(_against_naive(each, learner))
        said.append(_against_logging(each, learner))
    return tuple(said)


def _against_naive(found: Comparison, learner: str) -> str:
    gap = found.row(learner).against_naive
    numbers = f"{gap.delta:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] nDCG@10 on {found.measure}"
    if gap.low > 0:
        return f"Correcting helped: {learner} − naive {numbers}."
    if gap.delta < -MARGIN:
        return (
            f"Correcting hurt: {learner} − naive {numbers}. Look at the warnings of"
            " `aisle propensity`, or learn from more clicks before using it."
        )
    return f"Correcting changed nothing that can be told from chance: {learner} − naive {numbers}."


def _against_logging(found: Comparison, learner: str) -> str:
    gap = found.row(learner).against_logging
    numbers = f"{gap.delta:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}] nDCG@10 on {found.measure}"
    if gap.low > 0:
        return f"{learner} orders better than what was logged: {numbers}."
    if gap.high < 0:
        return f"{learner} orders worse than what was logged: {numbers}. Do not serve it."
    return f"{learner} and what was logged cannot be told apart: {numbers}."
