"""How far two samples lie apart: the population stability index and Kolmogorov and Smirnov's D."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]
BINS = 10
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class Distribution:
    """The shares of some bins (float64), of `count` values in all."""

    shares: Amounts
    count: int


def stability_index(reference: Distribution, recent: Distribution) -> float:
    """The population stability index: the sum over bins of (q - p) ln(q / p), less what it is
    expected to be by chance alone, (bins - 1)(1/n + 1/m) (Yurdakul and Naranjo, J Risk Model
    Validation 2020, theorem 1), never below 0.

    An empty bin counts as half a value, so that one new value is no infinite drift.
    """
    p = _smoothed(reference)
    q = _smoothed(recent)
    index = float(((q - p) * np.log(q / p)).sum())
    used = int(((reference.shares > 0) | (recent.shares > 0)).sum())
    chance = (used - 1) * (1 / max(reference.count, 1) + 1 / max(recent.count, 1))
    return max(index - chance, 0.0)


def _smoothed(found: Distribution) -> Amounts:
    least = 0.5 / max(found.count, 1)
    shares = np.maximum(found.shares, least)
    return np.asarray(shares / shares.sum(), np.float64)


def binned(reference: Amounts, recent: Amounts) -> tuple[Distribution, Distribution]:
    """Both samples in bins of the reference's deciles, unknown values (NaN) in one of their own."""
    known = reference[~np.isnan(reference)]
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    edges: Amounts = np.unique(np.quantile(known, inner)) if len(known) else np.empty(0)
    return _counted(reference, edges), _counted(recent, edges)


def _counted(values: Amounts, edges: Amounts) -> Distribution:
    unknown = np.isnan(values)
    # A value equal to an edge belongs below it: many values may be the same.
    places = np.searchsorted(edges, values[~unknown], side="left")
    counts = np.bincount(places, minlength=len(edges) + 1).astype(np.float64)
    counts = np.append(counts, unknown.sum())
    return Distribution(counts / max(len(values), 1), len(values))


def kolmogorov_smirnov(reference: Amounts, recent: Amounts) -> tuple[float, float]:
    """The largest distance between the two distribution functions, of known values, and its p;
    (0, 1) where a sample has fewer than ten."""
    from scipy.stats import ks_2samp

    old, new = reference[~np.isnan(reference)], recent[~np.isnan(recent)]
    if min(len(old), len(new)) < _FEWEST:
        return 0.0, 1.0
    found = ks_2samp(old, new, method="asymp")
    return float(found.statistic), float(found.pvalue)


def mixed(reference: list[str], recent: list[str], most: int) -> tuple[Distribution, Distribution]:
    """Two samples of words in bins: the reference's `most` frequent ones, its others, and what only
    the recent sample has."""
    words, counts = np.unique(np.array(reference, str), return_counts=True)
    order = np.lexsort((words, -counts))
    head = {str(words[i]): place for place, i in enumerate(order[:most])}
    tail = {str(words[i]) for i in order[most:]}

    def bins(sample: list[str]) -> Distribution:
        places = [head.get(each, most if each in tail else most + 1) for each in sample]
        shares = np.bincount(np.array(places, np.int64), minlength=most + 2)
        return Distribution(shares / max(len(sample), 1), len(sample))

    return bins(reference), bins(recent)
