"""Propensities of the position-based model by expectation and maximization."""

from __future__ import annotations

import numba
import numpy as np

from training.clicks.counts import Amounts
from training.propensity.cells import Cells, Rows

_ROUNDS = 2000
_TOLERANCE = 1e-7
_LEAST = 1e-9
_INSIDE = 1e-3
"""Starts keep away from 0 and 1, which EM would not leave again."""


class Expectation:
    """P(click) = p_k · r_d by EM (the E-step of Wang et al., WSDM 2018, section 3.2, with a
    relevance for each document instead of a regression). Documents seen a few times only bias it,
    since each has its own r_d."""

    def __init__(self, table: Cells) -> None:
        self._table = table
        self._state = np.full(len(table.positions), 0.5), np.full(len(table.documents), 0.5)

    def __call__(self, weights: Amounts) -> Amounts:
        """See `Poisson.__call__`."""
        # A resample is solved from where the one before was: it is near.
        looked, relevant = (each.clip(_INSIDE, 1 - _INSIDE) for each in self._state)
        for _ in range(_ROUNDS):
            moved = _round(self._table.rows, weights, looked, relevant)
            if moved < _TOLERANCE:
                break
        self._state = looked, relevant
        return np.asarray(looked / looked[0], np.float64)


@numba.njit(cache=True, nogil=True)
def _round(rows: Rows, weights: Amounts, looked: Amounts, relevant: Amounts) -> float:
    """One E-step and M-step in place; the furthest that a log p moved, relative to the first."""
    starts, places, impressions, clicks = rows
    seen = np.zeros(len(looked))
    expected = np.zeros(len(looked))
    for document in range(len(starts) - 1):
        of, shown = relevant[document], 0.0
        wanted = 0.0
        for row in range(starts[document], starts[document + 1]):
            at = looked[places[row]]
            skipped = impressions[row] - clicks[row]
            neither = 1.0 - at * of
            wanted += clicks[row] + skipped * of * (1.0 - at) / neither
            shown += impressions[row]
            expected[places[row]] += weights[document] * (
                clicks[row] + skipped * at * (1.0 - of) / neither
            )
            seen[places[row]] += weights[document] * impressions[row]
        relevant[document] = min(wanted / shown, 1.0 - _LEAST)
    before = np.log(looked / looked[0])
    for place in range(len(looked)):
        share = expected[place] / max(seen[place], _LEAST)
        looked[place] = min(max(share, _LEAST), 1.0 - _LEAST)
    return float(np.abs(np.log(looked / looked[0]) - before).max())
