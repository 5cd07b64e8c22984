"""Labels for LambdaMART from clicks: what each candidate's relevance seems to be."""

from __future__ import annotations

import numpy as np

from training.learners.clicked import ClickedTables
from training.learners.shrinkage import Rates, estimate_rates
from training.tables import Values

LEVELS = 64
"""Grades that rates are rounded to: fine enough to lose nothing, few enough to be grades."""
_HIGHEST = 0.999
"""Rates beyond this quantile share the highest grade, so that no outlier flattens the others."""


def eb_labels(clicked: ClickedTables) -> Values:
    """(m·r̄ + C) / (m + Σ n·p), the shrunk rate at which a candidate is clicked once looked at;
    float64 of shape (rows,), NaN where nobody saw it (`training.learners.shrinkage`)."""
    return _where_seen(estimate_rates(clicked).rates, clicked)


def naive_labels(clicked: ClickedTables) -> Values:
    """The same with every impression counted as a look: the shrunk click-through rate."""
    plain = clicked.undebiased()
    return _where_seen(estimate_rates(plain, by_place=False).rates, plain)


def dr_labels(clicked: ClickedTables, expected: Values, clip: float) -> Values:
    """Doubly robust with clipped propensity, (ctr − (p − p_clip)·r̂) / p_clip, p_clip = max(p,
    clip) (Oosterhuis 2023, "Doubly robust estimation for correcting position bias in click
    feedback", TOIS 41, equation 26, without trust bias).

    A click at a position that is hardly ever looked at counts 1/clip, not 1/p, and the model's
    `expected` rates (r̂, shape (rows,)) stand in for the looks that clipping takes away: right when
    the propensities are above the clip, or the model is. Propensities are means over a candidate's
    impressions. float64 of shape (rows,), NaN where nobody saw it.
    """
    cells = clicked.cells
    impressions = np.maximum(clicked.impressions, 1e-12)
    looked = clicked.examined / impressions
    clipped = clicked.per_row(cells.impressions * np.maximum(cells.looked, clip)) / impressions
    rate = clicked.clicks / impressions
    found = (rate - (looked - clipped) * expected) / np.maximum(clipped, 1e-12)
    return _where_seen(found, clicked)


def quantize(labels: Values, levels: int = LEVELS) -> Values:
    """Rounds to `levels` equal steps from 0 to nearly the largest; NaN stays NaN."""
    known = labels[~np.isnan(labels)]
    top = float(np.quantile(known, _HIGHEST)) if len(known) else 0.0
    top = top or float(known.max(initial=0.0))
    if top <= 0:
        return np.where(np.isnan(labels), np.nan, 0.0)
    steps = np.round(np.clip(labels / top, 0.0, 1.0) * (levels - 1))
    return np.asarray(steps * top / (levels - 1), np.float64)


def _where_seen(labels: Values, clicked: ClickedTables) -> Values:
    return np.where(clicked.impressions > 0, labels, np.nan)


__all__ = ["LEVELS", "Rates", "dr_labels", "eb_labels", "naive_labels", "quantize"]
