"""Folds partition the queries; nested selection never scores a query with its own choice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.crossvalidation import folds, nested_selection
from search.errors import BadInput

names = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=60, unique=True)


@given(names, st.data())
def test_folds_test_every_query_once_and_train_on_all_others(
    queries: list[str], data: st.DataObject
) -> None:
    k = data.draw(st.integers(2, len(queries)))
    split = folds(queries, k, seed=data.draw(st.integers(0, 2**32)))
    assert sorted(q for fold in split for q in fold.test) == sorted(queries)
    assert {len(fold.test) for fold in split} <= {len(queries) // k, -(-len(queries) // k)}
    for fold in split:
        assert not set(fold.train) & set(fold.test)
        assert set(fold.train) | set(fold.test) == set(queries)


@given(names, st.randoms())
def test_folds_depend_on_the_set_of_queries_not_on_their_order(
    queries: list[str], rng: object
) -> None:
    again = list(queries)
    rng.shuffle(again)  # type: ignore[attr-defined]
    first = [set(fold.test) for fold in folds(queries, 2, seed=7)]
    assert first == [set(fold.test) for fold in folds(again, 2, seed=7)]


def test_another_seed_splits_differently() -> None:
    queries = [f"query {i}" for i in range(40)]
    assert folds(queries, 5, seed=1) == folds(queries, 5, seed=1)
    assert folds(queries, 5, seed=1) != folds(queries, 5, seed=2)


def test_every_fold_gets_its_share_of_each_stratum() -> None:
    queries = [f"query {i}" for i in range(100)]
    strata = ["small"] * 20 + ["large"] * 80
    where = dict(zip(queries, strata, strict=True))
    for fold in folds(queries, 5, seed=3, strata=strata):
        assert [where[q] for q in fold.test].count("small") == 4


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    [
        (["a", "b"], 1, "at least 2 folds"),
        (["a", "b"], 3, "2 queries cannot fill 3 folds"),
        (["a", "b", "a"], 2, "'a' is given twice"),
    ],
)
def test_folds_refuse_what_cannot_be_split(queries: list[str], k: int, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        folds(queries, k, seed=0)


def test_the_held_out_score_of_noise_is_not_inflated_by_choosing() -> None:
    """200 worthless configurations: the best one looks good on its own data, not held out."""
    noise = np.random.default_rng(5).normal(0.5, 0.2, (200, 100))
    selection = nested_selection(noise, [f"q{i}" for i in range(100)], repeats=4)
    assert noise[selection.final].mean() > 0.53
    assert abs(selection.held_out.mean() - 0.5) < 0.02


def test_a_clear_winner_is_chosen_everywhere_and_scored_as_it_is() -> None:
    scores = np.tile(np.array([[0.2], [0.9], [0.5]]), (1, 10))
    selection = nested_selection(scores, [f"q{i}" for i in range(10)], k=5)
    assert selection.final == 1
    assert set(selection.chosen.ravel().tolist()) == {1}
    assert selection.held_out.tolist() == [0.9] * 10


@given(st.integers(0, 2**32), st.integers(2, 6))
def test_a_query_never_takes_part_in_its_own_choice(seed: int, k: int) -> None:
    """Raising one query's scores at will must leave the configuration that scores it alone."""
    queries = [f"q{i}" for i in range(12)]
    scores = np.random.default_rng(seed).random((4, 12))
    before = nested_selection(scores, queries, k=k, seed=seed)
    changed = scores.copy()
    changed[2, 5] += 100
    after = nested_selection(changed, queries, k=k, seed=seed)
    same = np.flatnonzero(scores[:, 5] == before.held_out[5])
    assert after.held_out[5] == changed[same[0], 5]


def test_strata_count_alike_whatever_their_size() -> None:
    strata = ["large"] * 30 + ["small"] * 10
    scores = np.array([[0.6] * 30 + [0.1] * 10, [0.5] * 30 + [0.5] * 10])
    queries = [f"q{i}" for i in range(40)]
    assert nested_selection(scores, queries, strata=strata).final == 1
    assert nested_selection(np.array([[0.7] * 30 + [0.3] * 10, scores[1]]), queries).final == 0


def test_ties_go_to_the_earlier_configuration() -> None:
    assert nested_selection(np.full((3, 6), 0.5), [f"q{i}" for i in range(6)], k=2).final == 0


@pytest.mark.parametrize("scores", [np.zeros((2, 3)), np.full((2, 4), np.nan), np.zeros(4)])
def test_unusable_scores_are_refused(
    scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> None:
    with pytest.raises(BadInput, match="score"):
        nested_selection(scores, ["a", "b", "c", "d"], k=2)
