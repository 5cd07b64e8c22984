"""The learning curve: what ever more judged queries are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval import folds
from training.comparison import Difference, difference
from training.effort import effort_for
from training.linear import prepare
from training.measures import yardstick
from training.scorers import Kind, fit_kinds
from training.select import choose
from training.tables import Tables, Values
from training.ticking import Progress

SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000)
CURVE_KINDS: tuple[Kind, ...] = ("linear", "trees", "stacked")


@dataclass(frozen=True, slots=True)
class Point:
    """A kind trained on `queries` queries, against the fused order on queries never seen."""

    kind: Kind
    queries: int
    against: Difference


def learning_curve(
    tables: Tables,
    *,
    sizes: Sequence[int] = SIZES,
    kinds: Sequence[Kind] = CURVE_KINDS,
    k: int = 5,
    repeats: int = 3,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> tuple[Point, ...]:
    """Trains on growing parts of the queries of `repeats` of `k` folds, and measures on the fold
    held out, the same for all sizes. Settings are chosen within the part; hyper-parameters are not
    tuned. Sizes beyond what a fold leaves are replaced by all that it leaves.

    Raises:
        BadInput: too few queries for so many folds.
    """
    cut = folds(tables.texts, k, seed)[:repeats]
    most = min(len(fold.train) for fold in cut)
    wanted = sorted({min(size, most) for size in sizes})
    gains: dict[tuple[Kind, int], list[Values]] = {(x, n): [] for x in kinds for n in wanted}
    for i, fold in enumerate(cut):
        shuffled = np.random.default_rng(seed + i).permutation(len(fold.train))
        test = tables.only(fold.test)
        for j, size in enumerate(wanted):
            progress(i * len(wanted) + j, len(cut) * len(wanted))
            part = tables.only([fold.train[q] for q in shuffled[:size]])
            for kind, values in _gains(part, test, kinds, seed).items():
                gains[kind, size].append(values)
    progress(1, 1)
    return tuple(
        Point(kind, size, difference(np.concatenate(values)))
        for (kind, size), values in gains.items()
    )


def _gains(part: Tables, test: Tables, kinds: Sequence[Kind], seed: int) -> dict[Kind, Values]:
    measured = yardstick(test)
    fused = measured.ndcg(test.fused)
    effort = replace(effort_for(len(part)), trials=0)
    choice = choose(part, effort, seed, kinds)
    scorers = fit_kinds(part, prepare(part, seed), choice)
    return {kind: measured.ndcg(scorers[kind].scores(test.values)) - fused for kind in kinds}
