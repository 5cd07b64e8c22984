"""Scores of queries that were not learned from, kept fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from eval import folds
from training.cross_encoder import out_of_fold
from training.cross_encoder.network import PairNetwork
from training.cross_encoder.out_of_fold import KEPT, Task, forget_folds, score_folds
from training.cross_encoder.tuning import Recipe, _batches, _Read
from training.encoder.examples import Example
from training.encoder.tuning import silent

QUERIES = tuple(f"query {number}" for number in range(30))
EXAMPLES = {query: Example(query.upper(), ("good", "bad"), (1.0, 0.0)) for query in QUERIES}
READ = {query: (query.upper(), ["one", "three"]) for query in QUERIES}


class Remembering:
    """Scores a text by its length, and a query it learned from as wrong."""

    def __init__(self) -> None:
        self.learned: set[str] = set()

    def tokens(self, query: str, texts: Sequence[str]) -> list[tuple[str, str]]:
        return [(query, text) for text in texts]

    def scores(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        return np.array(
            [np.nan if query in self.learned else len(text) for query, text in pairs], np.float32
        )


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many examples were learned from, each time."""
    times: list[int] = []

    def learn(network: Any, examples: Sequence[Example], *_: object) -> float:
        network.learned = {each.query for each in examples}
        times.append(len(examples))
        return 0.0

    monkeypatch.setattr(out_of_fold, "fine_tune", learn)
    return times


def task(recipe: Recipe | None = None) -> Task:
    return Task(EXAMPLES, "base", recipe or Recipe(), lambda: cast(PairNetwork, Remembering()))


def test_no_query_is_scored_by_what_learned_from_it(learned: list[int], tmp_path: Path) -> None:
    found = score_folds(task(), folds(QUERIES, 5, 0), READ, tmp_path, silent)
    assert learned == [24] * 5
    assert found.keys() == set(QUERIES)
    assert all(list(scores) == [3.0, 5.0] for scores in found.values())


def test_what_is_kept_serves_the_same_task_alone(learned: list[int], tmp_path: Path) -> None:
    split = folds(QUERIES, 5, 0)
    first = score_folds(task(), split, READ, tmp_path, silent)
    again = score_folds(task(), split, READ, tmp_path, silent)
    assert len(learned) == 5
    for query, scores in first.items():
        np.testing.assert_array_equal(scores, again[query])
    score_folds(task(Recipe(epochs=2)), split, READ, tmp_path, silent)
    assert len(learned) == 10
    assert len(list(tmp_path.glob(f"{KEPT}*"))) == 1
    forget_folds(tmp_path)
    assert not list(tmp_path.iterdir())


def test_who_goes_on_is_told_what_was_done_before(learned: list[int], tmp_path: Path) -> None:
    split, told = folds(QUERIES, 5, 0), list[str]()
    score_folds(task(), split, READ, tmp_path, silent, told.append)
    assert told == []
    for kept in list(tmp_path.glob(f"{KEPT}*/*.npy"))[2:]:
        kept.unlink()
    score_folds(task(), split, READ, tmp_path, silent, told.append)
    assert told == ["2 of 5 folds were done before and are not learned again"]
    assert len(learned) == 8


@pytest.mark.parametrize("seed", range(3))
def test_every_example_is_in_one_batch_of_a_pass(seed: int) -> None:
    rng = np.random.default_rng(seed)
    examples = []
    for size in rng.integers(1, 11, 200).tolist():
        pairs = [[0] * int(length) for length in rng.integers(5, 40, size)]
        examples.append(_Read(pairs, np.zeros(size, np.float32), max(map(len, pairs))))
    batches = list(_batches(examples, 48, rng))
    assert sorted(id(each) for batch in batches for each in batch) == sorted(map(id, examples))
    assert max(sum(len(each.pairs) for each in batch) for batch in batches) <= 48
    padded = sum(max(e.longest for e in b) * sum(len(e.pairs) for e in b) for b in batches)
    assert padded < 1.2 * sum(e.longest * len(e.pairs) for e in examples)
