"""Cross-validation in numbers: every kind against the fused order, paired over queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval import sign_flip, t_interval
from training.measures import CUTOFFS
from training.nested import CHOSEN, CrossValidation, Held
from training.pairs import DECISIVE
from training.tables import Values

FUSED = "fused"
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference over queries, its 95% interval (Student), its p by sign flips."""

    delta: float
    low: float
    high: float
    p: float
    queries: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One order on queries never seen. `ndcg` has a mean for each of `CUTOFFS`; `against` compares
    nDCG@10 with the fused order's, `by_seed` the same for each split alone. `pairwise` is the mean
    pairwise accuracy and `pairwise_against` compares it, both None without clearly different
    products."""

    name: str
    ndcg: tuple[float, ...]
    against: Difference
    by_seed: tuple[Difference, ...]
    pairwise: float | None
    pairwise_against: Difference | None


def difference(values: Values, seed: int = 0) -> Difference:
    """The mean of paired differences, float64 of shape (queries,), and what can be said of it."""
    column = np.where(np.abs(values) < _ROUNDING, 0.0, values)[:, None]
    delta, low, high = (float(each[0]) for each in t_interval(column, bound=1.0))
    return Difference(delta, low, high, float(sign_flip(column, seed)[0]), len(values))


def standings(found: CrossValidation) -> tuple[Standing, ...]:
    """Every kind in turn, the procedure that chooses among them last."""
    fused = found.held[FUSED]
    return tuple(_standing(name, held, fused) for name, held in found.held.items())


def gains_of_choice(found: CrossValidation) -> Values:
    """By how much the procedure was above the fused order, for each query, averaged over the
    splits: what to put together from several catalogues."""
    gains: Values = _gains(found.held[CHOSEN], found.held[FUSED]).mean(axis=0)
    return gains


def chosen_kinds(found: CrossValidation) -> dict[str, int]:
    """How often each kind was chosen, the most frequent first."""
    return dict(Counter(choice.kind for seed in found.choices for choice in seed).most_common())


def pooled(found: Sequence[CrossValidation]) -> Difference:
    """The procedure against the fused order over the queries of several catalogues."""
    return difference(np.concatenate([gains_of_choice(each) for each in found]))


def _standing(name: str, held: Held, fused: Held) -> Standing:
    gains = _gains(held, fused)
    clear = ~np.isnan(held.pairwise[0])
    better = (held.pairwise - fused.pairwise)[:, clear].mean(axis=0)
    return Standing(
        name=name,
        ndcg=tuple(float(held.ndcg[k].mean()) for k in CUTOFFS),
        against=difference(gains.mean(axis=0)),
        by_seed=tuple(difference(each) for each in gains),
        pairwise=float(held.pairwise[:, clear].mean()) if clear.any() else None,
        pairwise_against=difference(better) if clear.any() else None,
    )


def _gains(held: Held, fused: Held) -> Values:
    return held.ndcg[DECISIVE] - fused.ndcg[DECISIVE]
