"""How sure it is that a candidate's rate is beyond what is allowed, looked at as often as one
likes.

The evidence is an e-value of universal inference (Wasserman, Ramdas and Balakrishnan, PNAS 2020,
section 8): the likelihood of what was counted, averaged over all rates, over the greatest that any
allowed rates give it. Counts are taken as Poisson; for a share, whose variance is smaller, that
errs on the side of caution, and surely so: 1 + x ≤ exp(x) keeps every ratio a supermartingale. So
the chance that a candidate that breaks nothing is ever said to is at most alpha, at every sample
size and for any rule of when to look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

RESTART_MINUTES = 10
"""Evidence is gathered anew from every tenth minute on as well, so that a candidate that was good
for a day and breaks then is found as soon; the chances of error are shared among the starts."""
_SHAPE, _RATE = 0.5, 5.0
"""Of the gamma distribution that rates are averaged over: wide, about .1."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened (`times` in so many chances, `of`) in the candidate and in the
    baseline."""

    times: float = 0.0
    of: float = 0.0
    baseline_times: float = 0.0
    baseline_of: float = 0.0

    def __add__(self, other: Rate) -> Rate:
        return Rate(
            self.times + other.times,
            self.of + other.of,
            self.baseline_times + other.baseline_times,
            self.baseline_of + other.baseline_of,
        )

    @property
    def candidate(self) -> float:
        """The candidate's rate, NaN without a chance."""
        return self.times / self.of if self.of else math.nan

    @property
    def baseline(self) -> float:
        """The baseline's rate, NaN without a chance."""
        return self.baseline_times / self.baseline_of if self.baseline_of else math.nan


def log_e(rate: Rate, factor: float = 1.0, excess: float = 0.0, *, fewer: bool = False) -> float:
    """The logarithm of the e-value against "the candidate's rate is at most `factor` times the
    baseline's and `excess`", or with `fewer` at least so much; `math.log(1 / alpha)` proves the
    contrary."""
    allowed = rate.baseline * factor + excess if rate.baseline_of else math.inf
    breaks = rate.candidate < allowed if fewer else rate.candidate > allowed
    if not breaks:
        best = _best(rate.times, rate.of) + _best(rate.baseline_times, rate.baseline_of)
    else:
        at = _boundary(rate, factor, excess)
        best = _log(rate.times, factor * at + excess) - rate.of * (factor * at + excess)
        best += _log(rate.baseline_times, at) - rate.baseline_of * at
    average = _average(rate.times, rate.of) + _average(rate.baseline_times, rate.baseline_of)
    return average - best


def log_e_above(rate: Rate, limit: float) -> float:
    """The same against "the candidate's rate is at most `limit`", whatever the baseline's is."""
    if rate.candidate > limit:
        best = _log(rate.times, limit) - rate.of * limit
    else:
        best = _best(rate.times, rate.of)
    return _average(rate.times, rate.of) - best


def _boundary(rate: Rate, factor: float, excess: float) -> float:
    """The baseline's rate that is most likely where the candidate's is as much as is allowed: the
    greater root of the likelihood's derivative, a quadratic."""
    weight = rate.baseline_of + factor * rate.of
    square = weight * factor
    line = weight * excess - factor * (rate.baseline_times + rate.times)
    return (-line + math.sqrt(line * line + 4 * square * rate.baseline_times * excess)) / 2 / square


def _log(times: float, rate: float) -> float:
    return times * math.log(rate) if times else 0.0


def _best(times: float, of: float) -> float:
    return times * math.log(times / of) - times if times else 0.0


def _average(times: float, of: float) -> float:
    """The logarithm of the likelihood averaged over a gamma distribution of rates."""
    shape = _SHAPE + times
    return (
        _SHAPE * math.log(_RATE)
        + math.lgamma(shape)
        - math.lgamma(_SHAPE)
        - shape * math.log(of + _RATE)
    )


def since_any(rates: Sequence[tuple[int, Rate]], log_value: Callable[[Rate], float]) -> float:
    """The logarithm of an e-value that counts from the first minute, and from every
    `RESTART_MINUTES` later, each with a part of the chances (1/2, 1/6, 1/12 …, together 1);
    `rates` are by minute, the earliest first."""
    if not rates:
        return -math.inf
    origin = rates[0][0]
    parts: list[float] = []
    so_far, place = Rate(), len(rates)
    for start in reversed(range((rates[-1][0] - origin) // RESTART_MINUTES + 1)):
        while place and rates[place - 1][0] >= origin + start * RESTART_MINUTES:
            place -= 1
            so_far += rates[place][1]
        parts.append(log_value(so_far) - math.log((start + 1) * (start + 2)))
    most = max(parts)
    return most + math.log(math.fsum(math.exp(part - most) for part in parts))
