"""What a system loses is told by cause, and the causes add up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval import Judgments, Stages, evaluate, find_failures

PRODUCTS = [f"p{i}" for i in range(12)]


def test_each_cause_is_told_with_its_products_and_places() -> None:
    gains = {"q": {"gone": 1.0, "deep": 1.0, "low": 1.0, "first": 1.0, "bad": 0.0}}
    run = {"q": ["first", "bad", "new", "low", "deep"]}
    stages = Stages({"q": {"first": 1, "low": 2, "deep": 300}}, first_stage=200)
    found = find_failures(Judgments(gains), run, stages, k=3)

    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert found.metric == "ndcg@3"
    assert found.lost == pytest.approx(1 - 1 / ideal)
    # Three of four belong among the first three: those retrieved fill them still.
    assert found.causes["not_retrieved"].lost == 0
    assert found.causes["retrieved_low"].lost == pytest.approx(0.5 / ideal)
    assert found.causes["ranked_low"].lost == pytest.approx(1 / math.log2(3) / ideal)
    # Without the product nobody judged, `low` would stand third.
    assert found.unjudged == pytest.approx(0.5 / ideal)
    [low] = found.causes["ranked_low"].worst
    assert (low.query, low.product, low.place) == ("q", "low", 4)
    [deep] = found.causes["retrieved_low"].worst
    assert (deep.product, deep.place) == ("deep", 300)


def test_without_stages_what_is_not_in_the_run_was_not_retrieved() -> None:
    found = find_failures(Judgments({"q": {"a": 1.0, "b": 0.5}}), {"q": ["x", "b"]})
    assert list(found.causes) == ["not_retrieved", "ranked_low"]
    [gone] = found.causes["not_retrieved"].worst
    assert (gone.product, gone.place) == ("a", None)
    assert found.causes["not_retrieved"].products == 1
    # `b` is among the first ten: nothing is missing for its place, but some of the gain is.
    assert found.causes["ranked_low"].products == 0
    assert found.causes["ranked_low"].lost > 0


def test_a_perfect_system_loses_nothing() -> None:
    found = find_failures(Judgments({"q": {"a": 1.0, "b": 0.5}}), {"q": ["a", "b"]})
    assert found.lost == 0
    assert all(c.share == 0 and c.worst == () for c in found.causes.values())


@given(
    st.dictionaries(
        st.sampled_from(["q", "r", "s"]),
        st.dictionaries(
            st.sampled_from(PRODUCTS), st.sampled_from([0, 0.1, 1.0, 3.0]), min_size=1
        ).filter(lambda known: max(known.values()) > 0),
        min_size=1,
    ),
    st.lists(st.permutations(PRODUCTS), min_size=3, max_size=3),
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(1, 12),
)
def test_the_causes_add_up_to_what_ndcg_lacks(
    gains: dict[str, dict[str, float]], orders: list[list[str]], depth: int, cut: int, k: int
) -> None:
    run = {q: order[:depth] for q, order in zip("qrs", orders, strict=True)}
    places = {
        q: {p: i for i, p in enumerate(order, 1)}
        for q, order in zip("qrs", reversed(orders), strict=True)
    }
    judgments = Judgments(gains)
    for stages in (None, Stages(places, None), Stages(places, cut)):
        found = find_failures(judgments, run, stages, k)
        report = evaluate(judgments, {"s": run}, metrics=[f"ndcg@{k}"])
        assert found.lost == pytest.approx(1 - report.systems["s"].scores[f"ndcg@{k}"].mean)
        assert sum(c.lost for c in found.causes.values()) == pytest.approx(found.lost)
        assert all(c.lost >= 0 for c in found.causes.values())
        assert found.unjudged <= found.causes["ranked_low"].lost + 1e-9
        if found.lost > 1e-9:
            assert sum(c.share for c in found.causes.values()) == pytest.approx(1)
