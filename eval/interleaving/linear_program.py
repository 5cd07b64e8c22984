"""A small linear program solved within a request: serving has no scipy.

Only additions, multiplications and comparisons of single numbers decide, none of them fused or in
an order that differs between machines: the same program has the same solution everywhere.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]
Codes = NDArray[np.int64]

_NUDGE = 1e-9
_ROUNDING = 1e-9
_PIVOTS = 2_000
_NONE = -1
"""Stands for the option of a row that has none yet."""


def best_mixture(worth: Amounts, balance: Amounts) -> Amounts | None:
    """Probabilities p, float64 of shape (options,), that sum to 1, with `balance @ p` = 0 and the
    largest `worth @ p`; at most one more option than `balance` has rows is used. None where there
    are none.

    The dual simplex method (Lemke 1954) on a full tableau: it begins with the option of most worth
    alone, which nothing is better than, and puts one row right after the other. Options of the same
    worth are nudged apart to keep it from going in circles.
    """
    options = len(worth)
    body = np.zeros((len(balance) + 2, options + 1))
    body[0] = 1.0
    body[1:-1, :-1] = balance
    body[-1, :-1] = worth - _NUDGE * np.arange(options) / options
    chosen = np.full(len(balance) + 1, _NONE, np.int64)
    first = int(np.argmax(body[-1, :-1]))
    return _read(body, chosen) if _solve(body, chosen, first) else None


def _read(body: Amounts, chosen: Codes) -> Amounts:
    mixture = np.zeros(body.shape[1] - 1)
    used = chosen != _NONE
    mixture[chosen[used]] = np.maximum(body[:-1, -1][used], 0.0)
    return np.asarray(mixture / mixture.sum(), np.float64)


@numba.njit(nogil=True, cache=True)
def _pivot(body: Amounts, chosen: Codes, row: int, option: int) -> None:
    line = body[row]
    line /= line[option]
    for other in range(len(body)):
        times = body[other, option]
        if other != row and times != 0.0:
            changed = body[other]
            for column in range(len(line)):
                changed[column] -= times * line[column]
    chosen[row] = option


@numba.njit(nogil=True, cache=True)
def _most_wrong(body: Amounts, chosen: Codes) -> int:
    """The row that is farthest from what it may be: not below 0, and 0 without an option."""
    worst, found = _ROUNDING, _NONE
    for row in range(len(chosen)):
        value = body[row, -1]
        wrong = abs(value) if chosen[row] == _NONE else -value
        if wrong > worst:
            worst, found = wrong, row
    return found


@numba.njit(nogil=True, cache=True)
def _cheapest(gains: Amounts, line: Amounts) -> int:
    """The option that puts a row right at the least loss of worth."""
    least, found = np.inf, _NONE
    for option in range(len(line) - 1):
        if line[option] < -_ROUNDING:
            loss = gains[option] / line[option]
            if loss < least:
                least, found = loss, option
    return found


@numba.njit("boolean(float64[:, ::1], int64[::1], int64)", nogil=True, cache=True)
def _solve(body: Amounts, chosen: Codes, first: int) -> bool:
    """Begins with one option and pivots until every row holds; False where one cannot."""
    _pivot(body, chosen, 0, first)
    for _ in range(_PIVOTS):
        row = _most_wrong(body, chosen)
        if row == _NONE:
            return True
        if body[row, -1] > 0:
            body[row] *= -1.0
        option = _cheapest(body[-1], body[row])
        if option == _NONE:
            return False
        _pivot(body, chosen, row, option)
    return False
