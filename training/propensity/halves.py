"""Impressions split at random into two halves, from counts alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.clicks.counts import Amounts, ClickCounts

Wholes = NDArray[np.int64]


def halves(counts: ClickCounts, seed: int = 0) -> tuple[ClickCounts, ClickCounts]:
    """Each impression falls to one half or the other by a coin, and takes its click with it, so
    that the halves are independent. Decayed counts are rounded at random first.

    `clicks` must not exceed `impressions`.
    """
    rng = np.random.default_rng([seed, 4])
    shown = _whole(counts.impressions, rng)
    clicked = np.minimum(_whole(counts.clicks, rng), shown)
    drawn = rng.binomial(shown, 0.5)
    of_these = rng.hypergeometric(clicked, shown - clicked, drawn)
    first = _with(counts, drawn, of_these)
    return first, _with(counts, shown - drawn, clicked - of_these)


def _whole(amounts: Amounts, rng: np.random.Generator) -> Wholes:
    down = np.floor(amounts)
    return (down + (rng.random(len(amounts)) < amounts - down)).astype(np.int64)


def _with(counts: ClickCounts, shown: Wholes, clicked: Wholes) -> ClickCounts:
    return replace(counts, impressions=shown.astype(np.float64), clicks=clicked.astype(np.float64))
