"""Propensities as the fixed effects of a Poisson regression of clicks."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from training.clicks.counts import Amounts
from training.propensity.cells import Cells, Rows

_STEPS = 50
_TOLERANCE = 1e-10
_LONGEST = 2.0
_RIDGE = 1e-12
_HALF_A_CLICK = 0.5


class Poisson:
    """c_dk ~ n_dk · p_k · r_d with each document's r_d profiled out:

        Σ_d c_dk = Σ_d C_d · n_dk p_k / Σ_j n_dj p_j   for every position k, C_d = Σ_k c_dk,

    an unbiased estimating equation under the position-based model even for Bernoulli clicks, and
    the gradient of a concave log-likelihood in log p, which Newton's method climbs.
    """

    def __init__(self, table: Cells) -> None:
        self._table = table

    def __call__(self, weights: Amounts) -> Amounts:
        """The propensities, float64 of shape (positions,), 1 at the first; `weights` float64
        (documents,) count each document so many times. A position that has no click under these
        weights counts as having half a one."""
        table = self._table
        clicks = np.bincount(table.places, table.clicks * weights[table.of], len(table.positions))
        clicked = clicks > 0
        curve = self._climb(weights, np.flatnonzero(clicked))
        if not clicked.all():
            exposure = _exposure(self._table.rows, weights, curve)
            curve = np.where(clicked, curve, _HALF_A_CLICK / np.maximum(exposure, _RIDGE))
        return np.asarray(curve / curve[0], np.float64)

    def log_likelihood(self, weights: Amounts, curve: Amounts) -> float:
        """Σ c log(n_dk p_k / Σ_j n_dj p_j): of the clicks, given each document's total."""
        size = len(self._table.positions)
        return float(
            _terms(self._table.rows, weights, curve, np.empty(size), np.empty((size, size)))
        )

    def _climb(self, weights: Amounts, active: NDArray[np.int64]) -> Amounts:
        """Newton's method over `active` positions, the others at 0; steps that do not gain are
        halved."""
        size = len(self._table.positions)
        curve = np.zeros(size)
        curve[active] = 1.0
        gradient, hessian = np.empty(size), np.empty((size, size))
        value = _terms(self._table.rows, weights, curve, gradient, hessian)
        free = active[1:]
        for _ in range(_STEPS):
            step = np.zeros(size)
            step[free] = _solved(hessian[np.ix_(free, free)], gradient[free])
            longest = float(np.abs(step).max(initial=0.0))
            step *= min(1.0, _LONGEST / max(longest, _RIDGE))
            for _ in range(_STEPS):
                tried = curve * np.exp(step)
                reached = _terms(self._table.rows, weights, tried, gradient, hessian)
                if reached >= value - 1e-12 * abs(value):
                    break
                step /= 2
            curve, value = tried, reached
            if longest < _TOLERANCE:
                break
        return curve


def _solved(hessian: Amounts, gradient: Amounts) -> Amounts:
    ridge = _RIDGE * max(float(np.trace(hessian)), _RIDGE) * np.eye(len(hessian))
    return np.asarray(np.linalg.solve(hessian + ridge, gradient), np.float64)


@numba.njit(cache=True, nogil=True)
def _terms(
    rows: Rows, weights: Amounts, curve: Amounts, gradient: Amounts, hessian: Amounts
) -> float:
    """The log-likelihood; its gradient and the negative of its Hessian in log p are written."""
    starts, places, impressions, clicks = rows
    gradient[:] = 0.0
    hessian[:] = 0.0
    value = 0.0
    for document in range(len(starts) - 1):
        weight = weights[document]
        begin, end = starts[document], starts[document + 1]
        exposure = clicked = 0.0
        for row in range(begin, end):
            at = curve[places[row]]
            exposure += impressions[row] * at
            clicked += clicks[row] if at > 0 else 0.0
        if weight == 0.0 or clicked == 0.0:
            continue
        mass = weight * clicked
        for row in range(begin, end):
            place = places[row]
            share = impressions[row] * curve[place] / exposure
            if share == 0.0:
                continue
            value += weight * clicks[row] * np.log(share)
            gradient[place] += weight * clicks[row] - mass * share
            hessian[place, place] += mass * share
            for other in range(begin, end):
                shared = impressions[other] * curve[places[other]] / exposure
                hessian[place, places[other]] -= mass * share * shared
    return value


@numba.njit(cache=True, nogil=True)
def _exposure(rows: Rows, weights: Amounts, curve: Amounts) -> Amounts:
    """The clicks to expect at each position if it were looked at for sure."""
    starts, places, impressions, clicks = rows
    exposure = np.zeros(len(curve))
    for document in range(len(starts) - 1):
        looked = clicked = 0.0
        for row in range(starts[document], starts[document + 1]):
            looked += impressions[row] * curve[places[row]]
            clicked += clicks[row]
        if looked > 0.0:
            for row in range(starts[document], starts[document + 1]):
                exposure[places[row]] += weights[document] * clicked / looked * impressions[row]
    return exposure
