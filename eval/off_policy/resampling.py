"""Intervals by a bootstrap that does everything again in each resample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eval.off_policy.clicklog import Amounts, Layout
from search.errors import BadInput

CONFIDENCE = 0.95
MOST_FAILED = 0.1
"""With more resamples than this part without an answer there is no interval."""
_MIDDLE = (0.1586553, 0.8413447)


@dataclass(frozen=True, slots=True)
class Interval:
    """Half the width of the 95% intervals, float64 of shape (methods,), of `draws` resamples;
    `failed` says why there is none."""

    half: Amounts
    draws: int
    failed: str = ""


def resampled(
    estimate: Callable[[Amounts], Amounts],
    layout: Layout,
    draws: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> Interval:
    """Draws units with replacement and estimates again, propensities included.

    Half the width is Student's t times half the width of the middle 68% of the resampled values,
    which a few wild ones leave alone; t has one degree of freedom less than there are units,
    counted by how unevenly clicks fall on them (Kish 1965).
    """
    rng = np.random.default_rng([seed, 11])
    found = []
    for number in range(draws):
        drawn = rng.multinomial(layout.units, np.full(layout.units, 1 / layout.units))
        try:
            values = estimate(drawn.astype(np.float64))
        except BadInput:
            values = np.array(np.nan)
        if np.isfinite(values).all():
            found.append(values)
        progress(number + 1, draws)
    if len(found) < (1 - MOST_FAILED) * draws:
        lost = draws - len(found)
        return Interval(
            np.empty(0),
            len(found),
            f"{lost} of {draws} resamples of this log had too few clicks to estimate from, so that "
            "no interval can be told; take a longer log",
        )
    low, high = np.quantile(found, _MIDDLE, axis=0)
    return Interval(_quantile(layout) * (high - low) / 2, len(found))


def _quantile(layout: Layout) -> float:
    from scipy.special import stdtrit

    clicks = np.bincount(layout.log.units, layout.log.clicks, layout.units)
    effective = float(clicks.sum() ** 2 / (clicks**2).sum())
    return float(stdtrit(max(effective - 1, 1), (1 + CONFIDENCE) / 2))
