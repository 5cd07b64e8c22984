"""Judged queries: what is learned from, chosen by and reported on are kept apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import BadInput
from training.encoder.judged import MOST_VALIDATED, graded_examples, split_queries


@given(st.integers(60, 400), st.floats(0.2, 0.8), st.integers(0, 50))
def test_the_three_parts_hold_every_query_once(count: int, holdout: float, seed: int) -> None:
    queries = [f"query {i}" for i in range(count)]
    split = split_queries(queries, holdout, seed)
    assert sorted((*split.train, *split.validation, *split.test)) == sorted(queries)
    assert len(split.test) == round(holdout * count)
    assert 1 <= len(split.validation) <= MOST_VALIDATED
    assert split == split_queries(queries[::-1], holdout, seed)


def test_too_few_queries_are_refused_with_a_remedy() -> None:
    with pytest.raises(BadInput, match=r"4 of 20 .* raise --holdout"):
        split_queries([str(i) for i in range(20)], 0.2, 0)


def test_gains_are_shares_of_the_best_and_unjudged_products_are_wrong() -> None:
    gains = {"red mug": {"a": 2.0, "b": 1.0, "gone": 2.0}, "nothing": {"a": 0.0, "b": 0.0}}
    texts = {"a": "red mug", "b": "mug", "c": "red lamp"}
    (made,) = graded_examples(gains, texts, {"red mug": ["c", "b", "gone"]}, weight=0.5)
    assert made.query == "red mug"
    assert dict(zip(made.texts, made.gains, strict=True)) == {
        "red mug": 1.0,
        "mug": 0.5,
        "red lamp": 0.0,
    }
    assert made.weight == 0.5


def test_a_lone_answer_teaches_nothing_without_a_wrong_one() -> None:
    assert graded_examples({"mug": {"a": 1.0}}, {"a": "red mug"}, {}) == []
