"""A small linear program solved with numpy alone: serving has no scipy.

Only additions, multiplications and comparisons of single numbers decide, no sums in an order that
differs between machines: the same program has the same solution everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]

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
    chosen = [_NONE] * (len(balance) + 1)
    spare = np.empty_like(body)
    _pivot(body, spare, chosen, 0, int(np.argmax(body[-1, :-1])))
    return _read(body, chosen) if _put_right(body, spare, chosen) else None


def _put_right(body: Amounts, spare: Amounts, chosen: list[int]) -> bool:
    """Pivots until every row holds; False where one cannot."""
    values, gains = body[:-1, -1], body[-1, :-1]
    for _ in range(_PIVOTS):
        row = _most_wrong(values.tolist(), chosen)
        if row is None:
            return True
        if values[row] > 0:
            np.negative(body[row], out=body[row])
        line = body[row, :-1]
        helps = line < -_ROUNDING
        losses = np.divide(gains, line, out=np.full(len(gains), np.inf), where=helps)
        option = int(np.argmin(losses))
        if not helps[option]:
            return False
        _pivot(body, spare, chosen, row, option)
    return False


def _most_wrong(values: list[float], chosen: list[int]) -> int | None:
    """The row that is farthest from what it may be: not below 0, and 0 without an option."""
    worst, found = _ROUNDING, None
    for row, value in enumerate(values):
        wrong = abs(value) if chosen[row] == _NONE else -value
        if wrong > worst:
            worst, found = wrong, row
    return found


def _pivot(body: Amounts, spare: Amounts, chosen: list[int], row: int, option: int) -> None:
    column = body[:, option].copy()
    body[row] /= column[row]
    column[row] = 0.0
    np.multiply(column[:, None], body[row], out=spare)
    np.subtract(body, spare, out=body)
    chosen[row] = option


def _read(body: Amounts, chosen: list[int]) -> Amounts:
    mixture = np.zeros(body.shape[1] - 1)
    for option, value in zip(chosen, body[:-1, -1].tolist(), strict=True):
        if option != _NONE:
            mixture[option] = max(value, 0.0)
    return np.asarray(mixture / mixture.sum(), np.float64)
