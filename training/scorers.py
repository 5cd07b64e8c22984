"""Trained rankers of every kind, all of one form: a linear part, trees, or their weighted sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from training.linear import Linear, LinearSettings, Problem, fit_linear
from training.tables import Tables, Values
from training.trees import Trees, TreeSettings, fit_trees

Kind = Literal["fused", "linear", "stacked", "trees", "blend"]
KINDS: tuple[Kind, ...] = ("fused", "linear", "stacked", "trees", "blend")
"""From the simplest: the fused order; the linear ranker; trees started from its score (without any
they are it); trees started from the fused score; the linear ranker blended with these."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A score is the linear part's, plus `tree_weight` times that of the trees."""

    linear: Linear
    trees: Trees | None = None
    tree_weight: float = 0.0

    def scores(self, values: NDArray[np.float32]) -> Values:
        """float64 of shape (rows,)."""
        scores = self.linear.scores(values)
        return (
            scores if self.trees is None else scores + self.tree_weight * self.trees.scores(values)
        )


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much a kind beat the fused order in inner validation: the mean difference in nDCG@10
    and its standard error."""

    mean: float
    error: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What inner validation chose, and what each kind gained there. `trees` are the settings of
    those that start from the fused score, `stacked` of those on the linear ranker; `rounds` in
    them is the number of trees. `share` is the trees' share in the blend."""

    kind: Kind
    linear: LinearSettings
    trees: TreeSettings
    stacked: TreeSettings
    share: float
    gains: Mapping[Kind, Gain]


def fit_kinds(tables: Tables, problem: Problem, choice: Choice) -> dict[Kind, Scorer]:
    """Every kind that was tried, trained on these queries with the settings chosen."""
    linear = fit_linear(problem, choice.linear)
    scorers: dict[Kind, Scorer] = {"fused": Scorer(problem.prior), "linear": Scorer(linear)}
    if {"trees", "blend"} & choice.gains.keys():
        scorers["trees"] = grow(tables, problem.prior, choice.trees)
    if "blend" in choice.gains:
        parts = scorers["linear"], scorers["trees"]
        scorers["blend"] = blend(*parts, choice.share, tables)
    if "stacked" in choice.gains:
        scorers["stacked"] = grow(tables, linear, choice.stacked)
    return {kind: scorers[kind] for kind in KINDS if kind in choice.gains}


def grow(tables: Tables, start: Linear, settings: TreeSettings) -> Scorer:
    """Trees on top of a linear ranker."""
    trees = fit_trees(tables, start.scores(tables.values), settings)
    return Scorer(start, trees, 1.0)


def blend(linear: Scorer, trees: Scorer, share: float, tables: Tables) -> Scorer:
    """The weighted sum of a linear ranker and trees, each brought to the same spread within the
    queries of these tables, as one scorer."""
    first = (1 - share) / spread(linear.scores(tables.values), tables)
    second = share / spread(trees.scores(tables.values), tables)
    start = trees.linear.weights * second
    weights = linear.linear.weights * first + start
    return Scorer(Linear(weights, linear.linear.centers, linear.linear.scales), trees.trees, second)


def spread(scores: Values, tables: Tables) -> float:
    """The standard deviation of scores around their query's mean; 1 when there is none."""
    sizes = np.maximum(np.diff(tables.offsets), 1)
    means = np.bincount(tables.query, scores, minlength=len(tables)) / sizes
    deviation = float(np.sqrt(np.mean((scores - means[tables.query]) ** 2)))
    return deviation or 1.0
