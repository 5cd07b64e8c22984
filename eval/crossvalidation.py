"""Choosing a configuration without fooling oneself: K folds over queries, nested selection.

A configuration chosen on the queries it is scored on looks better than it is. Here each query is
scored by the configuration that the other folds chose, so the held-out scores are an honest
estimate of the whole procedure, choice included (Varma & Simon 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

Matrix = NDArray[np.float64]
"""Scores, float64, shape (configurations, queries)."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One split: choose on `train`, score on `test`. Together they hold every query once."""

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What nested selection found.

    `held_out` is float64, shape (queries,), in the order of the queries given: each query's score
    under the configuration chosen without it, averaged over the repeats. `chosen` is the row
    chosen in each fold of each repeat, shape (repeats, folds): if they differ much, the data
    cannot tell the configurations apart. `final` is the row chosen on all queries, the one to ship.
    """

    held_out: NDArray[np.float64]
    chosen: NDArray[np.int64]
    final: int


def folds(
    queries: Sequence[str], k: int, seed: int, strata: Sequence[str] | None = None
) -> tuple[Fold, ...]:
    """Splits queries into `k` folds whose sizes differ by at most one (per stratum).

    The split depends on the set of queries and the seed, not on their order. `strata` names each
    query's stratum (its catalogue, its kind): every fold then gets its share of each.

    Raises:
        BadInput: `k` below 2, fewer queries than folds, or a query given twice.
    """
    assigned = _assign(queries, k, np.random.default_rng(seed), strata)
    return tuple(
        Fold(
            tuple(q for q, fold in zip(queries, assigned, strict=True) if fold != i),
            tuple(q for q, fold in zip(queries, assigned, strict=True) if fold == i),
        )
        for i in range(k)
    )


def nested_selection(
    scores: Matrix,
    queries: Sequence[str],
    *,
    k: int = 5,
    seed: int = 0,
    strata: Sequence[str] | None = None,
    repeats: int = 1,
) -> Selection:
    """Chooses the configuration with the best mean on each training part, scores it on the rest.

    `scores[c, q]` is configuration c's metric on query q. With `strata` the choice maximises the
    mean of the strata's means, so that a large catalogue does not outvote a small one. The earlier
    row wins ties: list the simplest configuration first.

    Raises:
        BadInput: the shapes disagree, a score is not finite, or as for `folds`.
    """
    matrix = np.asarray(scores, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] == 0 or matrix.shape[1] != len(queries):
        raise BadInput(
            f"scores must be one row per configuration and one column per query"
            f" ({len(queries)}); their shape is {matrix.shape}"
        )
    if not np.isfinite(matrix).all():
        raise BadInput("a score is not a finite number; score a missing query as 0")
    if repeats < 1:
        raise BadInput(f"cross-validation needs at least 1 repeat, not {repeats}")
    rng = np.random.default_rng(seed)
    assigned = np.stack([_assign(queries, k, rng, strata) for _ in range(repeats)])
    labels = np.asarray(strata if strata is not None else [""] * len(queries))
    chosen = np.array([[_best(matrix, labels, row != i) for i in range(k)] for row in assigned])
    columns = np.arange(len(queries))
    held_out = [matrix[picked[row], columns] for picked, row in zip(chosen, assigned, strict=True)]
    final = _best(matrix, labels, np.ones(len(queries), np.bool_))
    return Selection(np.mean(held_out, axis=0), chosen, final)


def _best(matrix: Matrix, labels: NDArray[np.str_], mask: NDArray[np.bool_]) -> int:
    """The row with the highest mean of stratum means over the masked columns."""
    means = [matrix[:, mask & (labels == label)].mean(axis=1) for label in np.unique(labels[mask])]
    return int(np.argmax(np.mean(means, axis=0)))


def _assign(
    queries: Sequence[str], k: int, rng: np.random.Generator, strata: Sequence[str] | None
) -> NDArray[np.int64]:
    """The fold of each query, shape (queries,): shuffled within a stratum, then dealt in turn."""
    _check(queries, k, strata)
    labels = list(strata) if strata is not None else [""] * len(queries)
    shuffled = rng.permutation(len(queries))
    alphabetical = np.argsort(np.asarray(queries, dtype=object), kind="stable")
    order = sorted(alphabetical[shuffled].tolist(), key=lambda i: labels[i])
    assigned = np.empty(len(queries), np.int64)
    assigned[order] = np.arange(len(queries)) % k
    return assigned


def _check(queries: Sequence[str], k: int, strata: Sequence[str] | None) -> None:
    if k < 2:
        raise BadInput(f"cross-validation needs at least 2 folds, not {k}")
    if len(queries) < k:
        raise BadInput(f"{len(queries)} queries cannot fill {k} folds; ask for fewer folds")
    if len(set(queries)) != len(queries):
        twice = next(q for q in queries if list(queries).count(q) > 1)
        raise BadInput(f"query {twice!r} is given twice; a fold would test what it trained on")
    if strata is not None and len(strata) != len(queries):
        raise BadInput(f"{len(strata)} strata for {len(queries)} queries; give one for each")
