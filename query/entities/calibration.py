"""From features to calibrated probabilities, and from those to what is done with an entity.

A logistic regression on generated queries, then isotonic regression on others (Zadrozny & Elkan
2002), so that of all entities with .8, eight of ten are right. Learned when indexing; serving needs
neither scikit-learn nor numpy.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from query.entities.candidates import FEATURES

LEAST_EXAMPLES = 200
"""Without as many, the share itself is the probability."""
FOLDS = 3
MOST_EXAMPLES = 12_000
CERTAIN = 0.995
"""Nothing is surer than this."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of `FEATURES`, and the isotonic curve over logits as knots."""

    weights: tuple[float, ...]
    bias: float
    logits: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()

    def probability(self, features: Sequence[float]) -> float:
        """The calibrated probability that a reading is what was meant."""
        logit = self.bias
        for weight, feature in zip(self.weights, features, strict=True):
            logit += weight * feature
        if not self.logits:
            return _bounded(1 / (1 + math.exp(-max(-30.0, min(30.0, logit)))))
        return _bounded(_interpolate(logit, self.logits, self.probabilities))

    def to_json(self) -> dict[str, Any]:
        """The calibration as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Reads what `to_json` gave."""
        return cls(
            tuple(data["weights"]),
            data["bias"],
            tuple(data["logits"]),
            tuple(data["probabilities"]),
        )


SHARE_ALONE = Calibration(tuple(float(name in FEATURES[:2]) for name in FEATURES), 0.0)
"""The share and what the neighbors say of it, added: for catalogues too small to learn from."""


def calibrate(features: Sequence[Sequence[float]], right: Sequence[bool], seed: int) -> Calibration:
    """Learns from readings of generated queries and whether each is right. The isotonic curve is
    learned on logits that were predicted out of fold."""
    if len(right) < LEAST_EXAMPLES or not 10 <= sum(right) <= len(right) - 10:
        return SHARE_ALONE
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import KFold, cross_val_predict

    chosen = np.random.default_rng(seed).permutation(len(right))[:MOST_EXAMPLES]
    table, truth = np.asarray(features, np.float64)[chosen], np.asarray(right)[chosen]
    model = LogisticRegression(C=1.0, max_iter=300)
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    logits = cross_val_predict(model, table, truth, cv=folds, method="decision_function")
    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(logits, truth)
    model.fit(table, truth)
    return Calibration(
        tuple(float(weight) for weight in model.coef_[0]),
        float(model.intercept_[0]),
        tuple(float(x) for x in curve.X_thresholds_),
        tuple(float(y) for y in curve.y_thresholds_),
    )


def _interpolate(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    i = bisect_right(xs, x)
    if i == 0:
        return ys[0]
    if i == len(xs):
        return ys[-1]
    left, right = xs[i - 1], xs[i]
    return ys[i - 1] + (ys[i] - ys[i - 1]) * ((x - left) / (right - left) if right > left else 1.0)


def _bounded(probability: float) -> float:
    return max(1 - CERTAIN, min(CERTAIN, probability))


FILTERING = np.round(np.arange(0.9, 0.991, 0.01), 2)
"""Probabilities from which filtering is considered."""
KEPT = 0.98
"""The share of right products that a filter must keep."""
LEAST_FILTERED = 50
NEVER = 2.0
"""A threshold that no probability reaches."""


def filter_threshold(probabilities: Sequence[float], kept: Sequence[bool], filled: float) -> float:
    """The probability from which an entity of one type filters: the lowest from which the filter
    keeps enough of the products that generated queries were made from; never, where too few
    products (`filled` is their share) have the field at all."""
    if filled < KEPT:
        return NEVER
    sure, right = np.asarray(probabilities), np.asarray(kept, np.bool_)
    for threshold in FILTERING:
        chosen = right[sure >= threshold]
        if len(chosen) < LEAST_FILTERED:
            return NEVER
        error = math.sqrt(KEPT * (1 - KEPT) / len(chosen))
        if chosen.mean() - error >= KEPT:
            return float(threshold)
    return NEVER
