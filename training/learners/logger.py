"""How good the ranker was whose answers were logged, and whether correcting can be expected to
help."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.learners.clicked import ClickedTables, with_gains
from training.learners.shrinkage import estimate_rates
from training.pairs import collect_pairs
from training.tables import Values

STRONG = 0.5
"""From here on the logged order tells so much of relevance that the two cannot be told apart."""
SATURATED = 0.75
"""From here on what was shown is on average nearly as good as the best there is."""
EVEN = 0.1
"""Looks per impression that vary less within queries leave nothing to correct."""


@dataclass(frozen=True, slots=True)
class LoggerStrength:
    """`agreement` is how well the logged order agrees with estimated relevance, from −1 to 1: the
    share of pairs of shown candidates in the order of their corrected rates less the share against
    it, pairs weighted by how much their rates differ (Goodman & Kruskal's γ, weighted); near 0 for
    a logger that knew nothing. `saturation` is the mean corrected rate of what was shown as a
    share of the best (the 95th percentile). `unevenness` is how much looks per impression vary
    within queries, as a share of their mean: near 0 when everything was shown everywhere.
    """

    agreement: float
    saturation: float
    unevenness: float

    @property
    def strong(self) -> bool:
        """Whether the logger was near the best there is."""
        return self.agreement >= STRONG or self.saturation >= SATURATED

    @property
    def even(self) -> bool:
        """Whether everything was shown everywhere."""
        return self.unevenness < EVEN

    @property
    def warning(self) -> str:
        """Why correction should not be expected to help, "" when it may."""
        if self.even:
            return (
                "Candidates were shown at all positions alike"
                f" (looks per impression vary by {self.unevenness:.0%} within a query): clicks are"
                " hardly biased, so expect correction to change nothing."
            )
        if self.saturation >= SATURATED:
            return (
                "What was shown is on average nearly as good as the best"
                f" ({self.saturation:.0%} of it): the logging ranker was near the best there is and"
                " left little to learn among what it showed. Do not expect correction to help;"
                " explore to learn of what is not shown."
            )
        if self.strong:
            return (
                "The logged order agrees with estimated relevance"
                f" ({self.agreement:+.2f} on a scale to +1): the logging ranker was near the best"
                " there is, position itself tells relevance, and naive learning profits from that."
                " Do not expect correction to help; explore (swap slots) to learn more."
            )
        return ""


def strength_of_logger(clicked: ClickedTables) -> LoggerStrength:
    """What the log says of the ranker that made it."""
    rates = estimate_rates(clicked, by_place=False).rates
    agreement = _agreement(clicked, rates)
    return LoggerStrength(agreement, _saturation(clicked, rates), _unevenness(clicked))


def _agreement(clicked: ClickedTables, estimated: Values) -> float:
    places = clicked.places
    rates = np.where(np.isnan(places), np.nan, estimated)
    pairs = collect_pairs(with_gains(clicked.tables, rates), 0, sampled=0)
    weights = pairs.gap * (places[pairs.better] != places[pairs.worse])
    if weights.sum() <= 0:
        return 0.0
    inside = np.sign(places[pairs.worse] - places[pairs.better])
    return float(inside @ weights / weights.sum())


def _saturation(clicked: ClickedTables, rates: Values) -> float:
    impressions = clicked.impressions
    seen = impressions > 0
    best = float(np.quantile(rates[seen], 0.95)) if seen.any() else 0.0
    return float(impressions @ rates / max(float(impressions.sum()), 1e-12) / max(best, 1e-12))


def _unevenness(clicked: ClickedTables) -> float:
    impressions = clicked.impressions
    seen = impressions > 0
    query, weights = clicked.tables.query[seen], impressions[seen]
    looked = clicked.examined[seen] / weights
    total = np.maximum(np.bincount(query, weights), 1e-12)
    means = (np.bincount(query, weights * looked) / total)[query]
    spread = np.sqrt(weights @ (looked - means) ** 2 / weights.sum())
    return float(spread / max(float(weights @ means / weights.sum()), 1e-12))
