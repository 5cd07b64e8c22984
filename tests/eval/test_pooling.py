"""Pools: what is in them, who brought it, and orders that tell nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.pooling import blind_order, contributions, pool_runs
from search.errors import BadInput

RUNS = {
    "one": {"lamp": ["a", "b", "c"], "kettle": []},
    "two": {"lamp": ["c", "a"], "sofa": ["z"]},
}


def test_a_pool_holds_the_first_products_of_every_system() -> None:
    assert pool_runs(RUNS, 1) == {"lamp": ("a", "c"), "sofa": ("z",)}
    assert pool_runs(RUNS, 9) == {"lamp": ("a", "b", "c"), "sofa": ("z",)}


def test_what_only_one_system_brought_is_counted() -> None:
    assert contributions(RUNS, 2) == {"one": (2, 1), "two": (3, 2)}


def test_nothing_to_pool_is_refused() -> None:
    with pytest.raises(BadInput, match="found anything"):
        pool_runs({"one": {"lamp": []}}, 5)
    with pytest.raises(BadInput, match="depth of 0"):
        pool_runs(RUNS, 0)


@given(st.sets(st.text(), max_size=20), st.lists(st.text(), min_size=1, max_size=3))
def test_a_blind_order_is_one_of_all_and_always_the_same(
    products: set[str], seeds: list[str]
) -> None:
    found = blind_order(sorted(products), *seeds)
    assert set(found) == products
    assert len(found) == len(products)
    assert blind_order(sorted(products, reverse=True), *seeds) == found


def test_each_rater_and_query_has_an_order_of_its_own() -> None:
    products = [f"p{n}" for n in range(30)]
    orders = {
        blind_order(products, "seed", rater, query)
        for rater in ("ana", "bob")
        for query in ("lamp", "sofa")
    }
    assert len(orders) == 4
    assert blind_order(products, "a", "bc") != blind_order(products, "ab", "c")


def test_no_place_of_a_blind_order_favors_any_product() -> None:
    products = ["a", "b", "c", "d"]
    firsts = [blind_order(products, f"rater {n}")[0] for n in range(4000)]
    assert all(900 < firsts.count(each) < 1100 for each in products)
