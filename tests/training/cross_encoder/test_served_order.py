"""What training measures is the order that serving gives."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from search.candidates import Candidates
from search.reader import Read
from search.reading import best_hits, moved
from search.seams import Ranker
from search.types import FeatureTable, Ranked, Ranking, WordMatches
from tests.training.made import made
from training.cross_encoder.combining import best_rows, cross_spread, reread
from training.scorers import spread

MADE = made(12)
TABLES = replace(MADE, named=np.random.default_rng(0).random(len(MADE.query)) < 0.05)
READ, WEIGHT = 7, 0.75


@pytest.mark.parametrize("seed", range(3))
def test_the_order_that_is_measured_is_the_one_that_is_served(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    scores = drawn.normal(size=len(TABLES.query)).round(1)
    read = best_rows(TABLES, scores, READ)
    cross = np.full(len(scores), np.nan)
    cross[read] = drawn.normal(3, 4, len(read)).round(1).astype(np.float32)
    units = spread(scores, TABLES), cross_spread(TABLES, cross)
    measured = reread(TABLES, scores, cross, WEIGHT, units)
    ranker = cast(Ranker, SimpleNamespace(spread=units[0]))
    for start, stop in zip(TABLES.offsets, TABLES.offsets[1:], strict=False):
        rows = np.arange(start, stop, dtype=np.int32)
        named = rows[TABLES.named[rows]]
        order = rows[np.lexsort((-scores[rows], ~TABLES.named[rows]))]
        table = FeatureTable((), rows, np.empty((len(rows), 0), np.float32))
        ranking = Ranking(order, -np.arange(len(order), dtype=np.float32))
        found = Candidates(
            ranking,
            {},
            WordMatches(ranking),
            True,
            named=named,
            ranked=Ranked(ranking, table, scores[rows]),
            ranker=ranker,
        )
        best = best_hits(found, READ)
        given = Read(cross[order[best.places]].astype(np.float32), WEIGHT / units[1])
        served = moved(found, best, given).fused.ordinals
        # Ties keep the order they had, which is the fused one in training.
        expected = order[np.lexsort((-measured[order].round(9), ~TABLES.named[order]))]
        assert served.tolist() == expected.tolist()
