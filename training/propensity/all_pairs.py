"""Propensities by AllPairs: interventional harvesting over every pair of positions."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from training.clicks.counts import Amounts
from training.propensity.cells import Cells, Rows

_LEAST = 1e-9


class AllPairs:
    """Agarwal et al., WSDM 2019, section 4.3. For documents seen at both k and k', the sums
    ĉ = Σ_d c_dk/n_dk and Σ_d (1 − c_dk/n_dk) are explained by p_k · r_kk', where r is the mean
    relevance of the unordered pair. The best r of each pair follows from p by a quadratic equation,
    so that L-BFGS climbs over log p alone."""

    def __init__(self, table: Cells) -> None:
        self._table = table
        self._pairs = np.triu_indices(len(table.positions), 1)

    def __call__(self, weights: Amounts) -> Amounts:
        """See `Poisson.__call__`."""
        from scipy.optimize import minimize

        size = len(self._table.positions)
        clicked, seen = _pairs(self._table.rows, weights, size)
        likelihood = _Likelihood(clicked, seen, *self._pairs)
        start = -np.log(np.arange(1.0, size))
        found = minimize(likelihood, start, jac=True, method="L-BFGS-B", options=_OPTIONS)
        return np.asarray(np.exp(np.concatenate([[0.0], found.x])), np.float64)


_OPTIONS: Any = {"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-8}


class _Likelihood:
    """The negative log-likelihood per document and its gradient, of log p below the first."""

    def __init__(
        self, clicked: Amounts, seen: Amounts, upper: NDArray[np.intp], lower: NDArray[np.intp]
    ) -> None:
        kept = (clicked[upper, lower] + clicked[lower, upper]) > 0
        upper, lower = upper[kept], lower[kept]
        self._ends = (upper, lower)
        self._clicked = (clicked[upper, lower], clicked[lower, upper])
        self._seen = seen[upper, lower]
        self._size, self._total = len(clicked), max(float(self._seen.sum()), _LEAST)

    def __call__(self, logs: Amounts) -> tuple[float, Amounts]:
        curve = np.exp(np.concatenate([[0.0], logs]))
        looked = [curve[end] for end in self._ends]
        relevant = self._relevance(*looked)
        value, gradient = 0.0, np.zeros(self._size)
        for own, at, clicked in zip(self._ends, looked, self._clicked, strict=True):
            expected = np.clip(at * relevant, _LEAST, 1 - _LEAST)
            missed = self._seen - clicked
            value += float((clicked * np.log(expected) + missed * np.log1p(-expected)).sum())
            slope = clicked - missed * expected / (1 - expected)
            gradient += np.bincount(own, slope, self._size)
        return -value / self._total, -gradient[1:] / self._total

    def _relevance(self, above: Amounts, below: Amounts) -> Amounts:
        """The root below 1/p, at most 1, of Σĉ/r = Σ over both of (N − ĉ) p / (1 − p r)."""
        first, second = self._clicked
        clicks = first + second
        linear = (
            clicks * (above + below) + (self._seen - first) * above + (self._seen - second) * below
        )
        inside = linear**2 - 8 * self._seen * above * below * clicks
        best = 2 * clicks / (linear + np.sqrt(np.maximum(inside, 0.0)))
        return np.asarray(np.minimum(best, 1.0), np.float64)


@numba.njit(cache=True, nogil=True)
def _pairs(rows: Rows, weights: Amounts, size: int) -> tuple[Amounts, Amounts]:
    """For every ordered pair of positions, over documents seen at both: Σ c/n at the first, and
    how many they are."""
    starts, places, impressions, clicks = rows
    clicked = np.zeros((size, size))
    seen = np.zeros((size, size))
    for document in range(len(starts) - 1):
        weight = weights[document]
        for row in range(starts[document], starts[document + 1]):
            rate = weight * clicks[row] / impressions[row]
            for other in range(starts[document], starts[document + 1]):
                if other != row:
                    clicked[places[row], places[other]] += rate
                    seen[places[row], places[other]] += weight
    return clicked, seen
