"""A linear ranker with a prior: pairwise logistic regression that starts from the fused order.

Without evidence it is the fused order; how much evidence it takes to leave it is the penalty.
RankNet's loss (Burges et al. 2005) over a linear scorer, with a Gaussian prior whose mean is the
fused score's weight, as in transfer by biased regularization (Evgeniou & Pontil 2004).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from rankers.model import CLIP
from training.pairs import Pairs, collect_pairs
from training.tables import Schema, Tables, Values

Matrix = NDArray[np.float32]
_STEEPEST = 50.0
"""The largest weight of the fused score's prior."""


Keep = int | Literal["core"] | None
"""Which features are left (see `LinearSettings.keep`)."""


@dataclass(frozen=True, slots=True)
class LinearSettings:
    """`penalty` is the strength of the prior, in queries: that many queries of evidence weigh as
    much as it. `unjudged` is the weight of a pair with an unjudged product. With `focus` pairs
    count by what they do to the first page. `keep` is how many features are left, those with the
    largest weights; "core" for those that matter in every shop, None for all."""

    penalty: float = 4.0
    unjudged: float = 0.1
    focus: bool = True
    keep: Keep = None


@dataclass(frozen=True, slots=True)
class Linear:
    """A score as the sum of `weights` times standardized values; arrays of shape (features,), as
    in `rankers.model.Model`."""

    weights: Values
    centers: Values
    scales: Values

    def scores(self, values: Matrix) -> Values:
        """float64 of shape (rows,)."""
        used = np.flatnonzero(self.weights)
        part = Linear(self.weights[used], self.centers[used], self.scales[used])
        return np.asarray(standardize(values[:, used], part) @ part.weights, np.float64)

    def times(self, factor: float) -> Linear:
        """The same order, scores multiplied."""
        return Linear(self.weights * factor, self.centers, self.scales)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a fit needs, whatever the settings: standardized rows that occur in pairs (float64),
    the pairs among them, and the prior."""

    rows: NDArray[np.float64]
    pairs: Pairs
    schema: Schema
    prior: Linear


def standardize(values: Matrix, linear: Linear) -> NDArray[np.float64]:
    """(value − center) / scale, kept within `CLIP`; 0 where unknown."""
    moved = (values.astype(np.float64) - linear.centers) / linear.scales
    return np.nan_to_num(np.clip(moved, -CLIP, CLIP), nan=0.0)


def measure_scales(tables: Tables) -> Linear:
    """Robust centers and scales with no weight yet: median, and the middle 90% of the values as
    wide as a normal distribution's; the standard deviation where those are all the same. The fused
    score is never clipped."""
    values = tables.values.astype(np.float64)
    unknown = np.isnan(values).all(axis=0)
    values[:, unknown] = 0.0
    low, centers, high = np.nanquantile(values, (0.05, 0.5, 0.95), axis=0)
    scales = (high - low) / 3.29
    scales = np.where(scales > 0, scales, np.nanstd(values, axis=0))
    furthest = np.nanmax(np.abs(values - centers), axis=0) / CLIP
    scales = np.where(tables.schema.start != 0, np.maximum(scales, furthest), scales)
    return Linear(np.zeros(len(centers)), centers, np.where(scales > 0, scales, 1.0))


def prepare(tables: Tables, seed: int) -> Problem:
    """Collects pairs, standardizes their rows and finds how steep the fused score should be."""
    scales = measure_scales(tables)
    pairs = collect_pairs(tables, seed)
    used, index = np.unique(np.concatenate([pairs.better, pairs.worse]), return_inverse=True)
    half = len(pairs.better)
    among = replace(pairs, better=index[:half], worse=index[half:])
    rows = standardize(tables.values[used], scales)
    rows[:, tables.schema.categories] = 0.0
    start = tables.schema.start * scales.scales
    prior = Linear(start * _steepness(rows @ start, among), scales.centers, scales.scales)
    return Problem(rows, among, tables.schema, prior)


def fit_linear(problem: Problem, settings: LinearSettings) -> Linear:
    """The weights with the least loss; when `keep` is set, fitted again with those features."""
    prior, core = problem.prior, problem.schema.core
    if settings.keep == "core" and core is not None:
        kept = np.flatnonzero(core | (prior.weights != 0))
        return Linear(_weights(problem, settings, kept), prior.centers, prior.scales)
    weights = _weights(problem, settings, np.arange(len(prior.weights)))
    if isinstance(settings.keep, int) and settings.keep < np.count_nonzero(weights):
        by_weight = np.argsort(-np.abs(weights - prior.weights), kind="stable")
        kept = np.union1d(by_weight[: settings.keep], np.flatnonzero(prior.weights))
        weights = _weights(problem, settings, kept)
    return Linear(weights, prior.centers, prior.scales)


def pair_losses(scores: Values, pairs: Pairs, unjudged: float) -> Values:
    """The logistic loss of each query's pairs under these scores, every query's weights summing to
    1: minus the log-likelihood that a fit makes least, float64 of shape (queries,)."""
    losses = np.logaddexp(0.0, scores[pairs.worse] - scores[pairs.better])
    share = pairs.weights(unjudged, focus=False)
    found = np.bincount(pairs.query, share * losses, minlength=len(pairs.ideal))
    return np.asarray(found, np.float64)


def _weights(problem: Problem, settings: LinearSettings, columns: NDArray[np.int64]) -> Values:
    rows = np.ascontiguousarray(problem.rows[:, columns])
    prior = problem.prior.weights[columns]
    pairs, share = problem.pairs, problem.pairs.weights(settings.unjudged, settings.focus)

    def loss(weights: Values) -> tuple[float, Values]:
        scores, away = rows @ weights, weights - prior
        apart = scores[pairs.better] - scores[pairs.worse]
        decay = np.exp(-np.abs(apart))  # log(1 + exp(-apart)) and its slope, of one exponential
        pull = share * np.where(apart > 0, decay, 1.0) / (1.0 + decay)
        by_row = np.bincount(pairs.better, pull, len(rows)) - np.bincount(
            pairs.worse, pull, len(rows)
        )
        value = share @ (np.log1p(decay) + np.maximum(-apart, 0.0))
        return float(
            value + settings.penalty / 2 * (away @ away)
        ), settings.penalty * away - by_row @ rows

    bounds = [_bound(problem.schema, int(column)) for column in columns]
    found = minimize(
        loss,
        prior,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 300, "ftol": 1e-8, "gtol": 1e-5},
    )
    weights = np.zeros(len(problem.prior.weights))
    weights[columns] = found.x
    return weights


def _bound(schema: Schema, column: int) -> tuple[float | None, float | None]:
    """A weight keeps the sign that its feature's direction allows."""
    direction = int(schema.directions[column])
    return (0.0 if direction > 0 else None, 0.0 if direction < 0 else None)


def _steepness(fused: Values, pairs: Pairs) -> float:
    """The weight of the fused score alone under which the pairs are likeliest."""
    share = pairs.weights(0.1, focus=False)
    apart = fused[pairs.better] - fused[pairs.worse]
    found = minimize_scalar(
        lambda weight: float(share @ np.logaddexp(0.0, -weight * apart)),
        bounds=(1e-3, _STEEPEST),
        method="bounded",
    )
    return float(found.x)
