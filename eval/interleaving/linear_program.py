"""A small linear program solved with numpy alone: serving has no scipy.

Only additions, multiplications and comparisons of single numbers decide, no sums in an order that
differs between machines: the same program has the same solution everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]

_NUDGE = 1e-6
_ROUNDING = 1e-9
_PIVOTS = 2_000


def best_mixture(worth: Amounts, balance: Amounts) -> Amounts | None:
    """Probabilities p, float64 of shape (options,), that sum to 1, with `balance @ p` = 0 and the
    largest `worth @ p`; at most one more option than `balance` has rows is used. None where there
    are none.

    The simplex method (Dantzig 1951) on a full tableau. The right-hand sides are 0 but one, so
    they are nudged apart to keep it from going in circles; the solution is then read without.
    """
    rows = len(balance) + 1
    tableau = np.hstack([np.vstack([np.ones_like(worth), balance]), np.eye(rows)])
    start = np.r_[1.0, _NUDGE * (1 + np.arange(rows - 1) / rows)]
    # Artificial variables, one a row, cost more than anything gains: they leave first.
    cost = np.r_[worth, np.full(rows, -1e3 * (1 + np.abs(worth).max()))]
    basis = np.arange(len(worth), len(worth) + rows)
    body = np.column_stack([tableau, start])
    gains = np.r_[cost, 0.0]
    for row in range(rows):
        gains = gains - cost[basis[row]] * body[row]
    _pivot_to_the_best(body, gains, basis)
    return _read(body, basis, len(worth))


def _pivot_to_the_best(body: Amounts, gains: Amounts, basis: NDArray[np.intp]) -> None:
    for _ in range(_PIVOTS):
        entering = int(np.argmax(gains[:-1]))
        if gains[entering] <= _ROUNDING:
            return
        column = body[:, entering]
        ratios = np.divide(
            body[:, -1], column, out=np.full(len(body), np.inf), where=column > _ROUNDING
        )
        leaving = int(np.argmin(ratios))
        if not np.isfinite(ratios[leaving]):
            return
        body[leaving] /= column[leaving]
        others = body[:, entering].copy()
        others[leaving] = 0.0
        body -= others[:, None] * body[leaving]
        gains -= gains[entering] * body[leaving]
        basis[leaving] = entering


def _read(body: Amounts, basis: NDArray[np.intp], options: int) -> Amounts | None:
    """The solution without the nudges: the artificial columns hold the inverse of the basis, and
    its first column is what the first right-hand side, 1, becomes."""
    values = body[:, options]
    artificial = basis >= options
    if (np.abs(values[artificial]) > _ROUNDING).any() or (values < -1e-6).any():
        return None
    mixture = np.zeros(options)
    mixture[basis[~artificial]] = np.maximum(values[~artificial], 0.0)
    return np.asarray(mixture / mixture.sum(), np.float64)
