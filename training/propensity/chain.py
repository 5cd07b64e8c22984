"""Propensities as a chain of neighboring ratios."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.clicks.counts import Amounts
from training.propensity.cells import Cells


class Chain:
    """The cumulative product of p_{k+1}/p_k, each the rate ratio of Mantel and Haenszel over the
    documents seen at both:

        Σ_d c_d,k+1 · n_dk / (n_dk + n_d,k+1)  ÷  Σ_d c_dk · n_d,k+1 / (n_dk + n_d,k+1).

    Errors add up along the chain and documents seen at distant positions are not used: a
    diagnostic.
    """

    def __init__(self, table: Cells) -> None:
        self._positions = table.positions
        self._links = [_link(table, place) for place in range(len(table.positions) - 1)]

    def __call__(self, weights: Amounts) -> Amounts:
        """See `Poisson.__call__`.

        Raises:
            BadInput: neighbors of which no document seen at both was clicked.
        """
        ratios = np.ones(len(self._links) + 1)
        for place, (documents, upper, lower) in enumerate(self._links):
            own = weights[documents]
            above, below = float((upper * own).sum()), float((lower * own).sum())
            if above <= 0 or below <= 0:
                self._broken(place)
            ratios[place + 1] = below / above
        return np.asarray(np.cumprod(ratios), np.float64)

    def _broken(self, place: int) -> None:
        pair = f"{self._positions[place]} and {self._positions[place + 1]}"
        raise BadInput(
            f"the chain breaks between positions {pair}: no document that was seen at both was "
            "clicked at both; use --estimator poisson, which compares distant positions too",
            field="estimator",
        )


def _link(table: Cells, place: int) -> tuple[NDArray[np.int64], Amounts, Amounts]:
    """Documents seen at a position and at the next, and what each adds to both sums."""
    upper, lower = (np.flatnonzero(table.places == each) for each in (place, place + 1))
    of = table.of
    documents, left, right = np.intersect1d(of[upper], of[lower], return_indices=True)
    rows_above, rows_below = upper[left], lower[right]
    seen_above, seen_below = table.impressions[rows_above], table.impressions[rows_below]
    both = seen_above + seen_below
    above = table.clicks[rows_above] * seen_below / both
    return documents.astype(np.int64), above, table.clicks[rows_below] * seen_above / both
