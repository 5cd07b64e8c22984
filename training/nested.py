"""What the whole procedure is worth: each query scored by what was chosen and trained without it.

Every choice (settings, features, kind, blend, the fused order itself) is made anew inside each
fold, so the figures hold for queries never seen (Varma & Simon 2006).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval import folds
from training.associations import (
    MANY,
    TICKS,
    associate,
    can_associate,
    with_associations,
)
from training.effort import effort_for
from training.linear import prepare
from training.measures import CUTOFFS, Yardstick, yardstick
from training.scorers import KINDS, Choice, Kind, fit_kinds
from training.select import choose, choosing_fits
from training.tables import Tables, Values
from training.ticking import Counter, Progress, Tick

CHOSEN = "chosen"
"""The name of the procedure itself beside those of the kinds."""


@dataclass(frozen=True, slots=True)
class Held:
    """How one order did on queries never seen: `ndcg` maps each cutoff to float64 of shape (seeds,
    queries), `pairwise` has that shape, NaN for queries without clearly different products;
    `scores` is float64 of shape (seeds, rows)."""

    ndcg: Mapping[int, Values]
    pairwise: Values
    scores: Values


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What every kind, and the procedure that chooses among them (`CHOSEN`), is worth on the
    queries `queries`. `choices` holds what was chosen, (seeds, folds)."""

    queries: tuple[str, ...]
    held: Mapping[str, Held]
    choices: tuple[tuple[Choice, ...], ...]

    @property
    def seeds(self) -> int:
        """How often the queries were split."""
        return len(self.choices)


def cross_validate(
    tables: Tables,
    *,
    seeds: int = 3,
    k: int = 5,
    kinds: Sequence[Kind] = KINDS,
    seconds: float | None = None,
    progress: Progress = lambda done, total: None,
) -> CrossValidation:
    """Splits the queries `seeds` times into `k` folds. After `seconds` no further split is begun,
    so that at least one is whole. `progress` hears of every ranker that was fitted.

    Raises:
        BadInput: too few queries for so many folds.
    """
    stop = time.monotonic() + (seconds or np.inf)
    cut = [folds(tables.texts, k, seed) for seed in range(seeds)]
    sizes = [len(fold.train) for each in cut for fold in each]
    counter = Counter(sum(procedure_fits(tables, size, kinds) for size in sizes), progress)
    scores: list[dict[str, Values]] = []
    choices: list[tuple[Choice, ...]] = []
    for seed in range(seeds):
        if seed and time.monotonic() > stop:
            break
        found = {kind: np.zeros(len(tables.query)) for kind in (*_asked(kinds), CHOSEN)}
        made = []
        for fold in cut[seed]:
            made.append(_score_fold(tables, fold.train, seed, kinds, found, counter))
        scores.append(found)
        choices.append(tuple(made))
    counter.finish()
    measured = yardstick(tables)
    held = {name: _held(measured, [each[name] for each in scores]) for name in scores[0]}
    return CrossValidation(tables.texts, held, tuple(choices))


def _score_fold(
    tables: Tables,
    texts: Sequence[str],
    seed: int,
    kinds: Sequence[Kind],
    found: Mapping[str, Values],
    tick: Tick,
) -> Choice:
    """Scores the queries that are not among `texts` by what is learned from those that are."""
    rows = held_out_rows(tables, texts)
    train, learned = associate(tables.only(texts), seed, tick)
    held_out = [each.query for each in tables.queries if each.query not in set(texts)]
    values = with_associations(tables.only(held_out), learned).values
    choice = choose(train, effort_for(len(train)), seed, kinds, tick)
    for kind, scorer in fit_kinds(train, prepare(train, seed), choice).items():
        found[kind][rows] = scorer.scores(values)
    found["fused"][rows] = tables.fused[rows]
    found[CHOSEN][rows] = found[choice.kind][rows]
    tick()
    return choice


def procedure_fits(tables: Tables, queries: int, kinds: Sequence[Kind]) -> int:
    """How often the procedure ticks that learns from so many of these queries."""
    associated = TICKS if queries >= MANY and can_associate(tables) else 0
    return associated + choosing_fits(effort_for(queries), kinds) + 1


def held_out_rows(tables: Tables, texts: Sequence[str]) -> NDArray[np.int64]:
    """The rows of all other queries."""
    trained = set(texts)
    other = np.array([each.query not in trained for each in tables.queries])
    return np.flatnonzero(other[tables.query])


def _asked(kinds: Sequence[Kind]) -> list[Kind]:
    return [kind for kind in KINDS if kind == "fused" or kind in kinds]


def _held(measured: Yardstick, scores: Sequence[Values]) -> Held:
    return Held(
        {k: np.stack([measured.ndcg(each, k) for each in scores]) for k in CUTOFFS},
        np.stack([measured.pairwise(each) for each in scores]),
        np.stack(scores),
    )
