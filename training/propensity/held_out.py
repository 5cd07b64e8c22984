"""How well clicks that were held back are foretold, by position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.clicks.counts import Amounts, ClickCounts
from training.propensity.seams import Propensities

MODELS = ("both", "position_only", "document_only")
"""p_k · r_d; the click rate of the position; the click rate of the document."""
_SURE = 1e-6


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Log-likelihoods of held-out clicks, in nats per impression (closer to 0 is better).

    `groups` int32 (groups,) are positions, or queries; `impressions` and `clicks` float64 of the
    same shape; `likelihoods` float64 (len(MODELS), groups).
    """

    groups: NDArray[np.int32]
    impressions: Amounts
    clicks: Amounts
    likelihoods: Amounts

    def overall(self) -> Amounts:
        """Over all impressions, float64 (len(MODELS),)."""
        total = self.likelihoods @ self.impressions / self.impressions.sum()
        return np.asarray(total, np.float64)


def held_out(
    learned: ClickCounts, tested: ClickCounts, propensities: Propensities, by: str = "position"
) -> HeldOut:
    """Models of one half's clicks, tried on the other half (see `halves.halves`), by "position" or
    by "query". Rates of documents are shrunk toward the mean as far as they differ by chance
    alone, in both models that have them.
    """
    looked = propensities.at(learned.positions)
    rates = np.stack(
        [
            looked * _worth(learned, looked)[learned.documents],
            _per_position(learned),
            _worth(learned, np.ones(len(looked)))[learned.documents],
        ]
    ).clip(_SURE, 1 - _SURE)
    shown, clicked = tested.impressions, tested.clicks
    values = clicked * np.log(rates) + (shown - clicked) * np.log1p(-rates)
    of = tested.positions if by == "position" else tested.queries[tested.documents]
    groups, codes = np.unique(of, return_inverse=True)
    seen, hits = (np.bincount(codes, each).astype(np.float64) for each in (shown, clicked))
    kept = seen > 0
    sums = np.stack([np.bincount(codes, row)[kept] for row in values])
    return HeldOut(groups[kept].astype(np.int32), seen[kept], hits[kept], sums / seen[kept])


def _per_position(counts: ClickCounts) -> Amounts:
    """Each row's position's click rate."""
    clicks = np.bincount(counts.positions, counts.clicks)
    shown = np.bincount(counts.positions, counts.impressions)
    return np.asarray((clicks / np.maximum(shown, 1.0))[counts.positions], np.float64)


def _worth(counts: ClickCounts, looked: Amounts) -> Amounts:
    """Clicks of each document per impression that was looked at, shrunk: the mean of a gamma
    posterior whose prior has the moments of all documents; float64 (documents,)."""
    clicks = counts.per_document(counts.clicks)
    exposure = counts.per_document(counts.impressions * looked)
    mean = clicks.sum() / max(float(exposure.sum()), _SURE)
    surplus = ((clicks - exposure * mean) ** 2 - clicks).sum() / max(
        float((exposure**2).sum()), _SURE
    )
    prior = mean / max(float(surplus), _SURE)
    return np.asarray((prior * mean + clicks) / (prior + exposure), np.float64)
