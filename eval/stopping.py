"""Evidence that may be looked at after every unit: it errs at most `alpha` of the time, however
often one looks and whenever one stops.

A unit is a session or a shopper, not a click. Nothing here needs scipy: servers look too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]

PRIOR = 10.0
"""The a of Beta(a, a): when rankers differ, the share of wins is mostly within .5 ± .11."""
TUNED_AT = 1_000
"""After how many units a confidence sequence is the narrowest it can be."""
LEAST = 100
"""Units before which a confidence sequence says nothing: its guarantee is that of many units."""


def log_sign_e(wins: int, losses: int, prior: float = PRIOR) -> float:
    """The natural logarithm of the sign e-value, E = 2^(W+L) · B(a+W, a+L) / B(a, a), a = `prior`.

    The likelihood of the wins and losses under Beta(a, a) over that under fair coins (Ville 1939;
    Shafer, JRSS A 2021). Under fair coins it reaches 1/alpha with a probability of at most alpha,
    looked at after every unit; `math.log(1 / alpha)` is where to stop. Ties do not count.
    """
    return (
        (wins + losses) * math.log(2)
        + _log_beta(prior + wins, prior + losses)
        - _log_beta(prior, prior)
    )


def sign_e_values(differences: Amounts, prior: float = PRIOR) -> Amounts:
    """The sign e-value after each unit, of the shape of `differences` (…, units): what one ranker
    earned over the other, of which only the sign counts."""
    won, lost = differences > 0, differences < 0
    wins, losses = _counts(won), _counts(lost)
    mine = np.where(won, wins - 1, losses - 1)
    # Ties before the first win or loss would divide by 0 under small priors; they are left out.
    factor = 2 * (prior + mine) / np.maximum(2 * prior + wins + losses - 1, prior)
    steps = np.log(np.where(won | lost, factor, 1.0)).cumsum(axis=-1)
    # More than anybody needs to be told apart, less than what cannot be written.
    return np.asarray(np.exp(np.minimum(steps, 700.0)), np.float64)


def confidence_sequence(
    values: Amounts, alpha: float = 0.05, tuned_at: int = TUNED_AT, least: int = LEAST
) -> tuple[Amounts, Amounts, Amounts]:
    """The mean so far after each unit and an interval about it, each of the shape of `values` (…,
    units): with probability 1 − alpha the true mean is in all of them (Waudby-Smith, Arbour, Sinha,
    Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence sequences,
    Annals of Statistics 2024, theorem 2.2). Minus infinity to infinity before `least` units."""
    units = np.arange(1, values.shape[-1] + 1, dtype=np.float64)
    # About the first value, so that large means do not swallow small deviations.
    origin = values[..., :1]
    moved = values - origin
    mean = moved.cumsum(axis=-1) / units
    spread = np.sqrt(np.maximum((moved * moved).cumsum(axis=-1) / units - mean * mean, 0.0))
    half = np.where(units < least, np.inf, spread * _width(units, alpha, tuned_at))
    mean = mean + origin
    return mean, mean - half, mean + half


def decided_at(e_values: Amounts, alpha: float = 0.05) -> NDArray[np.int64]:
    """After how many units an e-value first says so, int64 of shape (…); 0 where it never does."""
    reached = e_values >= 1 / alpha
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1) + 1, 0).astype(np.int64)


def excludes_zero_at(low: Amounts, high: Amounts) -> NDArray[np.int64]:
    """After how many units an interval first leaves out 0, int64 of shape (…); 0 where it never
    does."""
    out = (low > 0) | (high < 0)
    return np.where(out.any(axis=-1), out.argmax(axis=-1) + 1, 0).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Tally:
    """What has to be kept of the units so far: enough for both kinds of evidence. `total` and
    `squares` are of the differences and of their squares."""

    wins: int = 0
    losses: int = 0
    ties: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def units(self) -> int:
        """How many there were."""
        return self.wins + self.losses + self.ties

    @property
    def mean(self) -> float:
        """The mean difference, 0 of none."""
        return self.total / self.units if self.units else 0.0

    def add(self, difference: float) -> Tally:
        """With one more unit."""
        return self + Tally(
            int(difference > 0),
            int(difference < 0),
            int(difference == 0),
            difference,
            difference * difference,
        )

    def __add__(self, other: Tally) -> Tally:
        """With other units: tallies of several processes can be added up."""
        return Tally(
            self.wins + other.wins,
            self.losses + other.losses,
            self.ties + other.ties,
            self.total + other.total,
            self.squares + other.squares,
        )

    def e_value(self, prior: float = PRIOR) -> float:
        """See `log_sign_e`."""
        return math.exp(min(log_sign_e(self.wins, self.losses, prior), 700.0))

    def interval(
        self, alpha: float = 0.05, tuned_at: int = TUNED_AT, least: int = LEAST
    ) -> tuple[float, float]:
        """See `confidence_sequence`."""
        if self.units < max(least, 1):
            return -math.inf, math.inf
        spread = math.sqrt(max(self.squares / self.units - self.mean**2, 0.0))
        half = spread * float(_width(np.array(float(self.units)), alpha, tuned_at))
        return self.mean - half, self.mean + half


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p of the sign test for one look at the end: how likely fair coins fall at least as
    unevenly. 1 without wins and losses."""
    count, least = wins + losses, min(wins, losses)
    tail = math.fsum(
        math.exp(
            math.lgamma(count + 1)
            - math.lgamma(k + 1)
            - math.lgamma(count - k + 1)
            - count * math.log(2)
        )
        for k in range(least + 1)
    )
    return min(2 * tail, 1.0)


def sequence_width(units: Amounts, alpha: float = 0.05, tuned_at: int = TUNED_AT) -> Amounts:
    """Half the width of a confidence sequence after so many `units`, in standard deviations of one
    unit: where an estimate is the mean of one influence a unit, whatever it estimates."""
    return _width(np.maximum(units, 1.0), alpha, tuned_at)


def _counts(happened: NDArray[np.bool_]) -> Amounts:
    return np.asarray(happened.cumsum(axis=-1), np.float64)


def _width(units: Amounts, alpha: float, tuned_at: int) -> Amounts:
    """Half the interval's width in standard deviations."""
    tuning = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tuned_at
    grown = units * tuning + 1
    return np.asarray(
        np.sqrt(2 * grown / (units * units * tuning) * np.log(np.sqrt(grown) / alpha)), np.float64
    )


def _log_beta(left: float, right: float) -> float:
    return math.lgamma(left) + math.lgamma(right) - math.lgamma(left + right)
