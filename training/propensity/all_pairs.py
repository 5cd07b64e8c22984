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
    relevance of the unordered pair; the likelihood is climbed with L-BFGS over logits."""

    def __init__(self, table: Cells) -> None:
        self._table = table
        upper, lower = np.triu_indices(len(table.positions), 1)
        self._upper, self._lower = upper, lower

    def __call__(self, weights: Amounts) -> Amounts:
        """See `Poisson.__call__`."""
        from scipy.optimize import minimize

        table = self._table
        size = len(table.positions)
        clicked, seen = _pairs(table.rows, weights, size)
        kept = np.flatnonzero(seen[self._upper, self._lower] > 0)
        likelihood = _Likelihood(clicked, seen, self._upper[kept], self._lower[kept])
        start = np.zeros(size + len(kept))
        found = minimize(likelihood, start, jac=True, method="L-BFGS-B", options=_OPTIONS)
        looked = 1 / (1 + np.exp(-found.x[:size]))
        return np.asarray(looked / looked[0])


_OPTIONS: Any = {"maxiter": 2000, "ftol": 1e-12, "gtol": 1e-9}


class _Likelihood:
    """The negative log-likelihood and its gradient, per document, of logits of p and of r."""

    def __init__(
        self, clicked: Amounts, seen: Amounts, upper: NDArray[np.intp], lower: NDArray[np.intp]
    ) -> None:
        self._sides = ((upper, lower), (lower, upper))
        self._amounts = [(clicked[ends], seen[ends]) for ends in self._sides]
        self._size = len(clicked)
        self._total = float(seen.sum())

    def __call__(self, logits: Amounts) -> tuple[float, Amounts]:
        size = self._size
        chances = 1 / (1 + np.exp(-logits))
        looked, relevant = chances[:size], chances[size:]
        value, gradient = 0.0, np.zeros_like(logits)
        for (own, _), (clicked, seen) in zip(self._sides, self._amounts, strict=True):
            expected = np.clip(looked[own] * relevant, _LEAST, 1 - _LEAST)
            value += float((clicked * np.log(expected)).sum())
            value += float(((seen - clicked) * np.log1p(-expected)).sum())
            slope = (clicked - seen * expected) / (1 - expected)
            gradient[:size] += np.bincount(own, slope * (1 - looked[own]), size)
            gradient[size:] += slope * (1 - relevant)
        return -value / self._total, -gradient / self._total


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
