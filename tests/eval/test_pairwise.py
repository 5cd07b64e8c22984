"""Pairwise accuracy: clearly different products in the right order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import JudgedRanking, Judgments, pairwise_accuracy, pairwise_report


def ranking(*queries: list[float]) -> JudgedRanking:
    """Each query's gains from the first place to the last."""
    sizes = [len(gains) for gains in queries]
    query = np.repeat(np.arange(len(queries)), sizes)
    rank = np.concatenate([np.arange(1, size + 1) for size in sizes]).astype(np.int64)
    return JudgedRanking(query, rank, np.concatenate([np.array(g) for g in queries]), len(queries))


def test_a_query_counts_the_pairs_it_has_right() -> None:
    # 2 over 0 is right, 1 before 2 is wrong, 1 over 0 is right.
    assert pairwise_accuracy(ranking([1.0, 2.0, 0.0])).tolist() == [pytest.approx(2 / 3)]


def test_pairs_that_raters_hardly_told_apart_do_not_count() -> None:
    assert np.isnan(pairwise_accuracy(ranking([1.0, 1.33, 1.66]))[0])
    assert pairwise_accuracy(ranking([1.0, 1.67])).tolist() == [0.0]
    assert pairwise_accuracy(ranking([1.0, 1.33]), least_gap=0.3).tolist() == [0.0]


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 0.33, 0.67, 1.0, 2.0]), min_size=1, max_size=9), min_size=1
    )
)
def test_it_is_what_counting_pair_by_pair_gives(queries: list[list[float]]) -> None:
    for found, gains in zip(pairwise_accuracy(ranking(*queries)), queries, strict=True):
        pairs = [(a, b) for a, b in itertools.combinations(gains, 2) if abs(a - b) >= 0.67 - 1e-9]
        if pairs:
            assert found == pytest.approx(sum(a > b for a, b in pairs) / len(pairs))
        else:
            assert np.isnan(found)


def test_the_report_leaves_out_queries_without_such_pairs() -> None:
    judgments = Judgments({"a": {"x": 1.0, "y": 0.0}, "b": {"x": 1.0, "y": 1.0}})
    runs = {"good": {"a": ("x", "y"), "b": ("x", "y")}, "bad": {"a": ("y", "x"), "b": ("x", "y")}}
    report = pairwise_report(judgments, runs)
    assert (report["good"].mean, report["bad"].mean) == (1.0, 0.0)
    assert pairwise_report(judgments.only(["b"]), runs) == {}
