"""Queries to train on and queries to measure on, within those that may be seen."""

from __future__ import annotations

from dataclasses import dataclass

from eval import folds
from training.effort import Effort
from training.linear import Linear, Problem, prepare
from training.measures import Yardstick, yardstick
from training.scorers import Scorer
from training.tables import Tables, Values
from training.trees import Validation


@dataclass(frozen=True, slots=True)
class Split:
    """Queries to train on, and others to measure on. `fused` is the fused order's nDCG there."""

    train: Tables
    problem: Problem
    held_out: Yardstick
    fused: Values

    def gain(self, scorer: Linear | Scorer) -> Values:
        """By how much its nDCG is above the fused order's, for each query held out."""
        return self.held_out.ndcg(scorer.scores(self.held_out.tables.values)) - self.fused

    def validation(self, start: Linear) -> Validation:
        """The queries held out, for trees that start from a linear ranker."""
        return Validation(self.held_out, start.scores(self.held_out.tables.values))


def split_queries(tables: Tables, effort: Effort, seed: int) -> list[Split]:
    """As many splits as the effort uses.

    Raises:
        BadInput: fewer queries than folds.
    """
    splits = []
    for fold in folds(tables.texts, effort.folds, seed)[: effort.used]:
        train, held_out = tables.only(fold.train), yardstick(tables.only(fold.test))
        fused = held_out.ndcg(held_out.tables.fused)
        splits.append(Split(train, prepare(train, seed), held_out, fused))
    return splits
