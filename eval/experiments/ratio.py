"""The difference of a rate between two arms, as it narrows: it may be looked at after every unit.

A rate is a sum over units of one thing by the sum of another (clicks by searches, revenue by
sessions). Its deviation is that of units, not of searches, which are not independent of each other
within one (the delta method: Deng, Knoblich and Lu, KDD 2018). What a unit did before the
experiment takes out what it would have done anyway (CUPED: Deng, Xu, Kohavi and Walker, WSDM 2013).
The interval holds at all times at once: a confidence sequence about the mean of each unit's
influence on the difference (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics
2024, section 3, with chances of the arms as they fell).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.stopping import LEAST, TUNED_AT, sequence_width

Amounts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is known after each unit, float64 of the shape of the units (…, units): both rates as
    they are, the difference (candidate less baseline, adjusted where there was a covariate), the
    interval about it, minus infinity to infinity where nothing can be said yet, and the deviation
    of the difference for one look alone."""

    baseline: Amounts
    candidate: Amounts
    delta: Amounts
    low: Amounts
    high: Amounts
    error: Amounts


@dataclass(frozen=True, slots=True)
class _Arm:
    """One arm after each unit: how many of its units there were, its rate, the variance of a unit's
    influence on it; the covariate's mean, variance and covariance with the influence."""

    count: Amounts
    rate: Amounts
    variance: Amounts
    mean: Amounts
    spread: Amounts
    shared: Amounts


def narrowing(
    candidate: NDArray[np.bool_],
    numerator: Amounts,
    denominator: Amounts,
    covariate: Amounts | None = None,
    *,
    alpha: float = 0.05,
    tuned_at: int = TUNED_AT,
    least: int = LEAST,
) -> Narrowing:
    """The difference after each unit; all arrays of the shape (…, units), in the order in which
    units came. `candidate` says which arm each is in. Nothing is said before either arm has `least`
    units, nor where nothing varies."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (
            _arm(where.astype(np.float64), numerator, denominator, covariate)
            for where in (~candidate, candidate)
        )
        delta = other.rate - one.rate
        variance = one.variance / one.count + other.variance / other.count
        if covariate is not None:
            shared = one.shared / one.count + other.shared / other.count
            spread = one.spread / one.count + other.spread / other.count
            slope = np.where(spread > 0, shared / spread, 0.0)
            delta = delta - slope * (other.mean - one.mean)
            variance = variance - slope * shared
        units = one.count + other.count
        error = np.sqrt(np.maximum(variance, 0.0))
        half = error * np.sqrt(units) * sequence_width(units, alpha, tuned_at)
    known = (np.minimum(one.count, other.count) >= least) & (variance > 0)
    half = np.where(known, half, np.inf)
    delta = np.where(np.isfinite(delta), delta, 0.0)
    return Narrowing(one.rate, other.rate, delta, delta - half, delta + half, error)


def _arm(where: Amounts, y: Amounts, n: Amounts, x: Amounts | None) -> _Arm:
    count, sum_y, sum_n = (_sums(where, each) for each in (np.ones_like(y), y, n))
    rate, typical = sum_y / sum_n, sum_n / count
    squares = _sums(where, y * y) - 2 * rate * _sums(where, y * n) + rate**2 * _sums(where, n * n)
    variance = np.maximum(squares / count, 0.0) / typical**2
    if x is None:
        return _Arm(count, rate, variance, rate, rate, rate)
    mean = _sums(where, x) / count
    spread = np.maximum(_sums(where, x * x) / count - mean**2, 0.0)
    shared = (_sums(where, x * y) - rate * _sums(where, x * n)) / count / typical
    return _Arm(count, rate, variance, mean, spread, shared)


def _sums(where: Amounts, values: Amounts) -> Amounts:
    return np.asarray((where * values).cumsum(axis=-1), np.float64)


def history(numerator: Amounts, denominator: Amounts) -> Amounts:
    """The covariate of a rate from what each unit did before: how far it was from the rate of all,
    0 for who was not there. Float64 of the shape of both."""
    total = float(denominator.sum())
    rate = float(numerator.sum()) / total if total else 0.0
    return np.asarray(numerator - rate * denominator, np.float64)


def quantile_interval(
    values: Amounts,
    units: NDArray[np.int64],
    share: float,
    *,
    alpha: float = 0.05,
    tuned_at: int = TUNED_AT,
    least: int = LEAST,
) -> tuple[float, float, float]:
    """A quantile of `values` and an interval for it that holds at all times (Woodruff, JASA 1952,
    with a confidence sequence for the share below). `units` are numbers from 0 on, of the same
    shape: values of one unit are not independent. Infinite ends where there are too few."""
    if not len(values):
        return 0.0, -np.inf, np.inf
    ordered = np.sort(values)
    middle = float(np.quantile(ordered, share))
    count = np.bincount(units).astype(np.float64)
    below = np.bincount(units, values <= middle)[count > 0]
    count = count[count > 0]
    if len(count) < least:
        return middle, -np.inf, np.inf
    rate = below.sum() / count.sum()
    deviation = float(np.sqrt(np.mean((below - rate * count) ** 2)) / count.mean())
    half = deviation * float(sequence_width(np.array(float(len(count))), alpha, tuned_at))
    low = float(np.quantile(ordered, share - half)) if half < share else -np.inf
    high = float(np.quantile(ordered, share + half)) if share + half < 1 else np.inf
    return middle, low, high
