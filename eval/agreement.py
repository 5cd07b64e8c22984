"""How far several raters agree: Krippendorff's α, for any number of raters, with ratings missing.

Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), sections C to E. α is 1 where all
agree, 0 where they agree no more than grades dealt at random would, and below 0 where they agree
less. A unit that fewer than two raters rated says nothing about agreement and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

Level = Literal["nominal", "ordinal", "interval"]
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")
"""How values differ: at all; by how many ratings lie between them; by their distance."""
REPEATS = 2000
_CHUNK = 250
"""Replicates that are computed at once."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """α with its interval, and what it was computed from.

    `alpha` is None where it is not defined, `low` and `high` where there is no interval; `reason`
    says why. `units` counts those with two ratings or more, `ratings` theirs, `groups` what the
    bootstrap draws.
    """

    level: Level
    alpha: float | None
    low: float | None
    high: float | None
    raters: int
    units: int
    ratings: int
    groups: int
    reason: str = ""


def krippendorff_alpha(
    ratings: NDArray[np.float64],
    level: Level = "ordinal",
    *,
    groups: Sequence[str] | None = None,
    repeats: int = REPEATS,
    confidence: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Krippendorff's α of `ratings` (raters × units, NaN where missing).

    The interval is that of a percentile bootstrap: units are drawn with replacement, or whole
    `groups` of them (one name a unit) where units of a group depend on each other, and both the
    observed and the expected disagreement are computed anew. Draws in which α is not defined are
    left out.

    Raises:
        BadInput: the ratings are no table, infinite, or the groups are not one a unit.
    """
    _check(ratings, groups)
    given = ~np.isnan(ratings)
    paired = given.sum(axis=0) >= 2
    values = np.unique(ratings[:, paired][given[:, paired]])
    # Units × values: how many raters gave the unit that value.
    counts: NDArray[np.float64] = (
        (ratings[:, paired, None] == values).sum(axis=0).astype(np.float64)
    )
    named = (
        np.arange(len(paired))
        if groups is None
        else np.unique(np.array(groups, str), return_inverse=True)[1]
    )
    drawn, within = np.unique(named[paired], return_inverse=True)
    pairs, margins = _by_group(counts, within, len(drawn))
    raters = int(given.any(axis=1).sum())
    told = level, raters, int(paired.sum()), int(counts.sum()), len(drawn)
    alpha = float(_alphas(pairs.sum(axis=0)[None], margins.sum(axis=0)[None], values, level)[0])
    if math.isnan(alpha):
        return _agreement(told, None, None, _reason(raters, len(values)))
    if len(drawn) < 2:
        return _agreement(told, alpha, None, "a single unit or group: there is no interval")
    ends = _interval(pairs, margins, values, level, repeats, confidence, seed)
    return _agreement(told, alpha, ends, "")


def coincidences(ratings: NDArray[np.float64], values: Sequence[float]) -> NDArray[np.int64]:
    """How often two raters gave one unit these two values (values × values, symmetric; the diagonal
    counts each agreeing pair once)."""
    counts = np.stack([np.sum(ratings == value, axis=0) for value in values], axis=1)
    together: NDArray[np.int64] = counts.T @ counts
    same = np.sum(counts * (counts - 1) // 2, axis=0)
    np.fill_diagonal(together, same)
    return together


def _check(ratings: NDArray[np.float64], groups: Sequence[str] | None) -> None:
    if ratings.ndim != 2:
        raise BadInput("ratings must be a table of raters by units", field="ratings")
    if np.isinf(ratings).any():
        raise BadInput("a rating is infinite; leave out what is missing as NaN", field="ratings")
    if groups is not None and len(groups) != ratings.shape[1]:
        raise BadInput(
            f"{len(groups)} groups for {ratings.shape[1]} units; name one a unit", field="groups"
        )


def _by_group(
    counts: NDArray[np.float64], within: NDArray[np.intp], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each group's part of the coincidence matrix (groups × values × values) and of its margins:
    a unit of m ratings adds its m (m − 1) ordered pairs, each 1 / (m − 1)."""
    width = counts.shape[1]
    together = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(width)
    together /= np.maximum(counts.sum(axis=1) - 1, 1)[:, None, None]
    pairs, margins = np.zeros((groups, width, width)), np.zeros((groups, width))
    np.add.at(pairs, within, together)
    np.add.at(margins, within, counts)
    return pairs, margins


def _alphas(
    pairs: NDArray[np.float64],
    margins: NDArray[np.float64],
    values: NDArray[np.float64],
    level: Level,
) -> NDArray[np.float64]:
    """α of each of several coincidence matrices: 1 − (n − 1) Σ o δ² / Σ n n δ² (Krippendorff 2011,
    section C); NaN where nothing differs, so that disagreement by chance is 0."""
    differences = _differences(margins, values, level)
    observed = np.sum(pairs * differences, axis=(1, 2))
    expected = np.einsum("bi,bj,bij->b", margins, margins, differences)
    total = margins.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = 1 - (total - 1) * observed / expected
    return np.where(expected > 0, found, np.nan)


def _differences(
    margins: NDArray[np.float64], values: NDArray[np.float64], level: Level
) -> NDArray[np.float64]:
    """δ² of every two values, for each matrix (section D)."""
    if level == "interval":
        return np.broadcast_to(
            (values[:, None] - values) ** 2, (len(margins),) + (len(values),) * 2
        )
    if level == "nominal":
        return np.broadcast_to(1 - np.eye(len(values)), (len(margins),) + (len(values),) * 2)
    # Between c and k lie half of both and all that is between: a difference of mid-ranks.
    middle = np.cumsum(margins, axis=1) - margins / 2
    return (middle[:, :, None] - middle[:, None, :]) ** 2


def _interval(
    pairs: NDArray[np.float64],
    margins: NDArray[np.float64],
    values: NDArray[np.float64],
    level: Level,
    repeats: int,
    confidence: float,
    seed: int,
) -> tuple[float, float] | None:
    rng, groups = np.random.default_rng(seed), len(pairs)
    flat, found = pairs.reshape(groups, -1), []
    for start in range(0, repeats, _CHUNK):
        size = min(_CHUNK, repeats - start)
        drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size).astype(np.float64)
        together = (drawn @ flat).reshape(size, *pairs.shape[1:])
        found.append(_alphas(together, drawn @ margins, values, level))
    alphas = np.concatenate(found)
    alphas = alphas[~np.isnan(alphas)]
    if not len(alphas):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(alphas, (tail, 1 - tail))
    return float(low), float(high)


def _agreement(
    told: tuple[Level, int, int, int, int],
    alpha: float | None,
    ends: tuple[float, float] | None,
    reason: str,
) -> Agreement:
    level, raters, units, ratings, groups = told
    low, high = ends or (None, None)
    return Agreement(level, alpha, low, high, raters, units, ratings, groups, reason)


def _reason(raters: int, values: int) -> str:
    if raters < 2:
        return "agreement needs two raters"
    if not values:
        return "no two raters rated the same unit"
    return "every rating is the same, so agreement cannot be told from chance"
