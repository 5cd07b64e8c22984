"""Whether arms have the units that they should have: when they have not, whatever differs between
them may be due to who is missing, and no effect is worth reading.

Two tests share the error: chi-squared for a clear mismatch at one look, and an e-value that may be
looked at after every unit (Lindon and Malek, Anytime-valid inference for multinomial count data,
NeurIPS 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Amounts = NDArray[np.float64]

LEVEL = 0.001
"""The chance of blaming a fair split."""
CONCENTRATION = 100.0
"""How near the alternative lies to the shares that should be, in units: a few percent off."""
_LEAST_EXPECTED = 5.0
"""Units that an arm must be expected to have before chi-squared is near its distribution."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The units by arm and as they should be; `p` of chi-squared (None: too few units), the
    e-value, and whether one of them says that the split is not as it should be."""

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    p: float | None
    e_value: float
    failed: bool
    level: float = LEVEL


def mismatch(observed: Sequence[int], weights: Sequence[float], level: float = LEVEL) -> Mismatch:
    """Tests the units by arm against the arms' weights; each test has half of `level`."""
    shares = np.asarray(weights, np.float64) / sum(weights)
    counts = np.asarray(observed, np.float64)
    expected = shares * counts.sum()
    p = float(chi_squared_p(counts, shares)) if expected.min() >= _LEAST_EXPECTED else None
    log_e = float(log_e_value(counts, shares))
    failed = log_e >= np.log(2 / level) or (p is not None and p < level / 2)
    e_value = float(np.exp(min(log_e, 700.0)))
    return Mismatch(tuple(observed), tuple(expected.tolist()), p, e_value, bool(failed), level)


def chi_squared_p(counts: Amounts, shares: Amounts) -> Amounts:
    """Pearson's test of counts, float64 of shape (…, arms), against shares that sum to 1: p of
    shape (…)."""
    from scipy.special import gammaincc  # only where it is tested: servers import this room

    expected = counts.sum(axis=-1, keepdims=True) * shares
    distance = ((counts - expected) ** 2 / np.maximum(expected, 1e-300)).sum(axis=-1)
    return np.asarray(gammaincc((len(shares) - 1) / 2, distance / 2), np.float64)


def log_e_value(counts: Amounts, shares: Amounts) -> Amounts:
    """The natural logarithm of the e-value of counts, float64 of shape (…, arms): their likelihood
    under a Dirichlet distribution about `shares` over that under the shares; of shape (…)."""
    from scipy.special import gammaln

    prior = CONCENTRATION * shares
    of_arms = gammaln(prior + counts) - gammaln(prior) - counts * np.log(shares)
    total = counts.sum(axis=-1)
    whole = gammaln(CONCENTRATION) - gammaln(CONCENTRATION + total)
    return np.asarray(of_arms.sum(axis=-1) + whole, np.float64)
