"""Fusion: several retrievers' rankings become one.

Registry: `FUSIONS` (name to factory). Adding one is a function and a registry line; the contract
tests pick it up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from search.ordering import summed
from search.seams import Fusion
from search.settings import FusionSettings
from search.types import Ranking


def _add_up(parts: list[tuple[NDArray[np.int32], NDArray[np.float32]]], limit: int) -> Ranking:
    if not parts:
        return Ranking.empty()
    ordinals = np.concatenate([part[0] for part in parts])
    return summed(ordinals, np.concatenate([part[1] for part in parts]), limit)


class ReciprocalRank:
    """Sum over retrievers of 1 / (constant + rank) (Cormack, Clarke and Büttcher, SIGIR 2009)."""

    def __init__(self, constant: float = 60.0) -> None:
        self.constant = constant

    def __call__(self, rankings: Mapping[str, Ranking], limit: int) -> Ranking:
        """The merged ranking."""
        parts = []
        for ranking in rankings.values():
            ranks = np.arange(1, len(ranking) + 1, dtype=np.float32)
            parts.append((ranking.ordinals, (1.0 / (self.constant + ranks)).astype(np.float32)))
        return _add_up(parts, limit)


class ScoreSum:
    """Weighted sum of scores, the words' divided by their maximum so that both are at most 1.

    A document that only one retriever returned scores 0 in the other.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = weights

    def __call__(self, rankings: Mapping[str, Ranking], limit: int) -> Ranking:
        """The merged ranking."""
        parts = []
        for name, ranking in rankings.items():
            if len(ranking) == 0:
                continue
            scores = ranking.scores
            if name == "words":
                scores = scores / max(float(scores.max()), 1e-9)
            weight = np.float32(self.weights.get(name, 1.0))
            parts.append((ranking.ordinals, weight * scores))
        return _add_up(parts, limit)


FUSIONS: Mapping[str, Callable[[FusionSettings], Fusion]] = {
    "score_sum": lambda settings: ScoreSum({"meaning": settings.meaning_weight}),
    "reciprocal_rank": lambda settings: ReciprocalRank(settings.rank_constant),
}
