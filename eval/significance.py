"""Whether a difference between two systems is more than chance: paired tests over queries.

All functions take columns of per-query values, float64, shape (queries, columns), and return one
number per column, so that every pair of systems and every metric is tested in one pass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

Array = NDArray[np.float64]

PERMUTATIONS = 9_999
"""With the observed assignment itself 10,000, so that p is a multiple of .0001."""
BATCH = 500


def t_interval(values: Array, bound: float, confidence: float = 0.95) -> tuple[Array, Array, Array]:
    """Mean and Student t interval of each column: (mean, low, high), each of shape (columns,).

    `bound` is the largest absolute value possible; the interval never leaves [-bound, bound].
    From a single query nothing narrower than that range can be said, and nothing else is.
    """
    n = len(values)
    mean = values.mean(axis=0)
    if n < 2:
        return mean, np.full_like(mean, -bound), np.full_like(mean, bound)
    half = stdtrit(n - 1, (1 + confidence) / 2) * _standard_error(values)
    return mean, np.maximum(mean - half, -bound), np.minimum(mean + half, bound)


def paired_t(differences: Array) -> Array:
    """Two-sided p of Student's paired t-test, shape (columns,).

    1 for a single query or when all differences are 0; 0 when they are all the same but not 0.
    """
    n, mean = len(differences), differences.mean(axis=0)
    if n < 2:
        return np.ones_like(mean)
    error = _standard_error(differences)
    t = np.divide(mean, error, out=np.where(mean == 0, 0.0, np.inf), where=error > 0)
    return np.asarray(2 * stdtr(n - 1, -np.abs(t)), np.float64)


def one_sided_t(differences: Array, spread: float = 0.0) -> float:
    """p of Student's paired t-test that the mean is below 0, of one column, shape (queries,); 1 for
    a single query. `spread` is a standard error that all values share."""
    if len(differences) < 2:
        return 1.0
    if spread > 0:
        error = np.hypot(_standard_error(differences[:, None])[0], spread)
        return float(stdtr(len(differences) - 1, differences.mean() / error))
    both = float(paired_t(differences[:, None])[0])
    return both / 2 if differences.mean() < 0 else 1 - both / 2


def sign_flip(differences: Array, seed: int, permutations: int = PERMUTATIONS) -> Array:
    """Two-sided p of the sign-flip permutation test, shape (columns,), never 0.

    Under the null hypothesis the two systems are exchangeable within a query, so every assignment
    of signs to the differences is as likely as the observed one. p = (b + 1) / (B + 1), b the
    number of B random assignments whose mean is at least as far from 0 (Phipson & Smyth 2010).
    All columns share the assignments. With so few queries that there are no more than B + 1
    assignments, each is looked at once: p is exact.
    """
    rng = np.random.default_rng(seed)
    exact = len(differences) < 30 and 2 ** len(differences) <= permutations + 1
    total = differences.sum(axis=0)
    # Sums in another order differ in the last bits; an exact tie must count as a tie.
    observed = np.abs(total) - 1e-12 * np.abs(differences).sum(axis=0)
    extreme = np.zeros(differences.shape[1], np.int64)
    if exact:
        kept = _every(len(differences))
        extreme += (np.abs(2 * (kept @ differences) - total) >= observed).sum(axis=0)
        return np.asarray(extreme / len(kept), np.float64)
    for start in range(0, permutations, BATCH):
        size = min(BATCH, permutations - start)
        kept = _coins(rng, size, len(differences))
        extreme += (np.abs(2 * (kept @ differences) - total) >= observed).sum(axis=0)
    return np.asarray((extreme + 1) / (permutations + 1), np.float64)


def holm(p: Array) -> Array:
    """p-values adjusted for testing all of them at once (Holm 1979), in the given order."""
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def effect_size(differences: Array) -> Array:
    """Cohen's d for paired values: mean difference over its standard deviation; NaN where all
    differences are the same but not 0, or there is a single query."""
    mean = differences.mean(axis=0)
    if len(differences) < 2:
        return np.full_like(mean, np.nan)
    spread = _standard_error(differences) * np.sqrt(len(differences))
    size = np.divide(mean, spread, out=np.where(mean == 0, 0.0, np.nan), where=spread > 0)
    return np.asarray(size, np.float64)


def _standard_error(values: Array) -> Array:
    """Standard error of the mean; exactly 0 where a column is constant, whatever rounding says."""
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return np.where(np.ptp(values, axis=0) == 0, 0.0, error)


def _coins(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Fair coins, 0 or 1, one random bit each."""
    raw = np.frombuffer(rng.bytes((rows * columns + 7) // 8), np.uint8)
    return np.unpackbits(raw, count=rows * columns).reshape(rows, columns).astype(np.float64)


def _every(columns: int) -> Array:
    """Every way coins can fall, shape (2 ** columns, columns)."""
    return ((np.arange(2**columns)[:, None] >> np.arange(columns)) & 1).astype(np.float64)
