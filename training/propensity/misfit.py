"""Whether clicks are such that position and document explain them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.errors import BadInput
from training.clicks.counts import ClickCounts
from training.propensity.halves import halves
from training.propensity.held_out import HeldOut, held_out
from training.propensity.interaction import Check, compare, thirds
from training.propensity.registry import Method, estimator
from training.propensity.seams import Propensities

LEVEL = 0.005
"""A check warns when chance alone would give so much misfit this seldom."""
STRENGTH = 0.02
"""And when curves differ by this much: with millions of clicks any difference is significant."""
SPLITS = 7
"""Halvings that a check is repeated with, so that its verdict is not one split's luck; twice the
median of their p is a p of its own (Meinshausen, Meier and Bühlmann 2009, section 3.1)."""
_PRIOR_EXPOSURE = 5.0


@dataclass(frozen=True, slots=True)
class Misfit:
    """What speaks against the position-based model.

    `warning` is "" when nothing does; `skipped` says why nothing was checked, "" when it was.
    """

    warning: str
    checks: tuple[Check, ...] = ()
    held_out: HeldOut | None = None
    skipped: str = ""


def check_misfit(counts: ClickCounts, method: Method, seed: int = 0) -> Misfit:
    """Learns from a random half of the impressions and looks at the other half.

    Under the position-based model log click rates are a sum of position and document. So documents
    (and queries) are put into three groups by how much they were clicked in the one half, and in
    the other half, which owes nothing to that choice, one curve for all is compared with a curve
    for each group. Trust in high positions makes curves of good documents flatter; reading from
    the top until satisfied makes curves of good queries steeper.
    """
    if bool((counts.clicks > counts.impressions).any()):
        return Misfit("", skipped="graded clicks cannot be checked; estimate from plain clicks")
    splits = [halves(counts, seed * SPLITS + number) for number in range(SPLITS)]
    try:
        found = [estimator()(first) for first, _ in splits]
        tried = held_out(*splits[0], method(splits[0][0]))
    except BadInput:
        return Misfit("", skipped="too few clicks to check the model on half of them")
    runs = [_checks(*split, curve) for split, curve in zip(splits, found, strict=True)]
    checks = tuple(_median(list(run)) for run in zip(*runs, strict=False))
    return Misfit(_warning(checks), checks, tried)


def _median(runs: Sequence[Check]) -> Check:
    """One check from those of all splits: medians, and twice the median p."""
    statistic, freedom, p, strength = (
        float(np.median([getattr(run, name) for run in runs]))
        for name in ("statistic", "freedom", "p", "strength")
    )
    return Check(runs[0].name, statistic, round(freedom), min(1.0, 2 * p), strength)


def _checks(first: ClickCounts, second: ClickCounts, found: Propensities) -> tuple[Check, ...]:
    clicks = first.per_document(first.clicks)
    exposure = first.per_document(first.impressions * found.at(first.positions))
    mean = clicks.sum() / exposure.sum()
    worth = (clicks + _PRIOR_EXPOSURE * mean) / (exposure + _PRIOR_EXPOSURE)
    checks = [compare("documents", second, thirds(worth, clicks))]
    queries = len(first.query_texts)
    asked = np.bincount(first.queries, clicks, queries).astype(np.float64)
    if np.count_nonzero(asked) > 1:
        looked = np.bincount(first.queries, exposure, queries)
        rate = (asked + _PRIOR_EXPOSURE * mean) / (looked + _PRIOR_EXPOSURE)
        checks.append(compare("queries", second, thirds(rate, asked)[first.queries]))
    return tuple(checks)


_HINTS = {
    "documents": "often and seldom clicked products",
    "queries": "often and seldom clicked queries",
}


def _warning(checks: tuple[Check, ...]) -> str:
    failed = [check for check in checks if check.p < LEVEL and check.strength >= STRENGTH]
    if not failed:
        return ""
    parts = [f"between {_HINTS[check.name]} by about {check.strength:.0%}" for check in failed]
    return (
        f"positions do not act alone: curves differ {' and '.join(parts)}. Shoppers may trust what "
        "stands high, or stop reading once satisfied; models learned with these propensities may "
        "be no better than naive ones. Compare both on judgments, and measure positions with "
        "exploration"
    )
