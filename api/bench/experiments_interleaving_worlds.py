"""Rankers whose worth is known, on judged products: LightGBM's small LETOR files and the generated
demo shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.interleaving.runs import Contest
from eval.interleaving import Items
from training.simulation.models import HIGHEST

Amounts = NDArray[np.float64]
LEAST, MOST = 10, 40
"""Products of a query: those with fewer are left out, of more some are drawn."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Queries by their grades, from 0 to 4: one array a query, a value a product."""

    name: str
    grades: tuple[Amounts, ...]

    def contest(self, names: Sequence[str], scores: Sequence[Sequence[Amounts]]) -> Contest:
        """Rankers beside each other, by the scores that each gives the products of each query."""
        rankings = tuple(tuple(map(_ranked, each)) for each in zip(*scores, strict=True))
        queries = tuple(map(str, range(len(self.grades))))
        return Contest(tuple(names), queries, rankings, self.grades)

    def some(self, count: int, rng: np.random.Generator) -> Judged:
        """At most so many of the queries, drawn by lot."""
        chosen = rng.permutation(len(self.grades))[:count]
        return Judged(self.name, tuple(self.grades[number] for number in chosen))

    def noisy(self, noise: float, rng: np.random.Generator) -> list[Amounts]:
        """Scores of a ranker that sees grades through normal noise."""
        return [grades + rng.normal(0, noise, len(grades)) for grades in self.grades]

    def worse(
        self, scores: Sequence[Amounts], noise: float, share: float, rng: np.random.Generator
    ) -> list[Amounts]:
        """The same scores with more noise on a share of the queries."""
        return [each + (rng.random() < share) * rng.normal(0, noise, len(each)) for each in scores]


def read_ltr(folder: Path) -> Judged:
    """The queries of LightGBM's ranking example, training and test together."""
    from training.letor import read_letor

    tables = [read_letor(folder / name) for name in ("rank.train", "rank.test")]
    return _judged("ltr", [query.gains for each in tables for query in each.queries])


def make_judged_shop() -> Judged:
    """The demo shop's queries, rated from 0 to 3."""
    from fixtures.shop import make_shop

    rated = (np.array(list(query.ratings.values()), np.float64) for query in make_shop().queries)
    return _judged("shop", [each * HIGHEST / 3 for each in rated])


def _judged(name: str, grades: Sequence[Amounts]) -> Judged:
    rng = np.random.default_rng(1)
    drawn = (
        rng.permutation(each)[:MOST].astype(np.float64) for each in grades if len(each) >= LEAST
    )
    return Judged(name, tuple(each for each in drawn if each.any()))


def _ranked(scores: Amounts) -> Items:
    return np.argsort(-scores, kind="stable").astype(np.int32)
