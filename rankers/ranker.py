"""Candidates in the order of a model: `search.seams.Ranker`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, cast

import numpy as np

from rankers.explanation import Explainer
from rankers.falling import falling
from rankers.model import Model
from rankers.scoring import Scorer
from search.seams import Facts
from search.types import Contributions, FeatureTable, Ordinals, Pool, Ranked, Ranking

FirstStage = Literal["fused", "linear"]
Compute = Callable[[Facts, Pool, tuple[str, ...]], FeatureTable]
"""The features by name of all candidates of a pool, in the pool's order."""


class ModelRanker:
    """Scores the best candidates of a pool; the others follow in the order they had.

    The first stage decides which are the best `depth`: the fused order, or the model's linear part
    over all candidates.
    """

    def __init__(
        self,
        model: Model,
        version: str,
        compute: Compute,
        *,
        depth: int | None = None,
        first_stage: FirstStage = "fused",
    ) -> None:
        """`depth` takes the place of the model's own.

        Raises:
            BadInput: the model's trees cannot be scored; says why.
        """
        self.name, self.version = model.name, version
        self.depth = depth or model.depth
        self.features = model.features
        self.spread = _spread(model)
        self._compute, self._scorer = compute, Scorer.of(model)
        self._explainer = Explainer(self._scorer)
        self._linear_first = first_stage == "linear" and len(model.weights) > 0

    def rank(self, facts: Facts, pool: Pool) -> Ranked:
        """The pool in the order of the model, ties in the order they had."""
        if not self.features or not len(pool.ranking):
            return Ranked(pool.ranking, _no_table(self.features), np.empty(0, np.float64))
        table, rest = self._best(facts, pool)
        scores = self._scorer.score(table.values)
        order = np.argsort(-scores, kind="stable")
        ordinals = np.concatenate([table.ordinals[order], rest.ordinals])
        return Ranked(Ranking(ordinals, falling(scores[order], rest.scores)), table, scores)

    def explain(self, table: FeatureTable) -> Contributions:
        """What each feature of `table` adds to each score."""
        return self._explainer.explain(table.values)

    def _best(self, facts: Facts, pool: Pool) -> tuple[FeatureTable, Ranking]:
        """The features of the candidates to score, and the other candidates."""
        ranking, depth = pool.ranking, self.depth
        if not self._linear_first or len(ranking) <= depth:
            head = replace(pool, ranking=ranking.head(depth))
            rest = Ranking(ranking.ordinals[depth:], ranking.scores[depth:])
            return self._compute(facts, head, self.features), rest
        table = self._compute(facts, pool, self.features)
        cheap = self._scorer.linear(table.values)
        order = np.argsort(-cheap, kind="stable")
        # Chosen by the cheap score, in the order they had: ties are broken by that.
        chosen, others = np.sort(order[:depth]), order[depth:]
        best = FeatureTable(table.names, table.ordinals[chosen], table.values[chosen])
        return best, Ranking(table.ordinals[others], cheap[others].astype(np.float32))


def _spread(model: Model) -> float | None:
    """What training noted; models of earlier versions say nothing of it."""
    noted = model.training.get("spread")
    known = isinstance(noted, (int, float)) and 0 < noted < float("inf")
    return float(cast(float, noted)) if known else None


def _no_table(names: tuple[str, ...]) -> FeatureTable:
    nothing: Ordinals = np.empty(0, np.int32)
    return FeatureTable(names, nothing, np.empty((0, len(names)), np.float32))
