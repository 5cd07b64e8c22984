"""Whether every document and every query has the same curve, as a position-based model says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.clicks.counts import Amounts, ClickCounts
from training.propensity.cells import Cells, laid_out, swap_graph
from training.propensity.poisson import Poisson

GROUPS = 3


@dataclass(frozen=True, slots=True)
class Check:
    """Curves compared between groups of documents, or of queries, from little to much clicked.

    `statistic` is twice what the log-likelihood gains when each group has a curve of its own; under
    the position-based model it is at most χ² with `freedom` degrees of freedom (less, since a click
    is a yes or a no), which `p` is taken from. `strength` is how far, about, the curves differ: .1
    for 10%, whatever the number of clicks.
    """

    name: str
    statistic: float
    freedom: int
    p: float
    strength: float


def compare(name: str, counts: ClickCounts, groups: NDArray[np.int64]) -> Check:
    """The check of one grouping; `groups` int64 (documents,), below 0 for documents left out."""
    from scipy.special import chdtrc

    inside = groups[counts.documents] >= 0
    together, freedom = _fit(counts, inside)
    parts = [_fit(counts, groups[counts.documents] == group) for group in range(GROUPS)]
    statistic = max(2 * (sum(value for value, _ in parts) - together), 0.0)
    freedom = sum(each for _, each in parts) - freedom
    clicks = max(float(counts.clicks[inside].sum()), 1.0)
    return Check(
        name,
        statistic,
        max(freedom, 0),
        float(chdtrc(freedom, statistic)) if freedom > 0 else 1.0,
        (max(statistic - freedom, 0.0) / clicks) ** 0.5,
    )


def _fit(counts: ClickCounts, rows: NDArray[np.bool_]) -> tuple[float, int]:
    """The log-likelihood of a curve of its own, and its number of free positions."""
    clicked = counts.per_document(np.where(rows, counts.clicks, 0.0))[counts.documents] > 0
    table = laid_out(counts, rows & clicked & (counts.impressions > 0))
    if not len(table.documents):
        return 0.0, 0
    solve, once = Poisson(table), np.ones(len(table.documents))
    return solve.log_likelihood(once, solve(once)), len(table.positions) - _pieces(table)


def _pieces(table: Cells) -> int:
    from scipy.sparse.csgraph import connected_components

    return int(connected_components(swap_graph(table), directed=False)[0])


def thirds(values: Amounts, mass: Amounts) -> NDArray[np.int64]:
    """Groups of ascending values with about the same mass each, int64 of the shape of `values`;
    -1 where there is no mass."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(mass[order]) - mass[order] / 2
    groups = np.empty(len(values), np.int64)
    groups[order] = np.minimum(GROUPS * below / max(float(mass.sum()), 1e-300), GROUPS - 1)
    groups[mass <= 0] = -1
    return groups
