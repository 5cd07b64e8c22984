"""Shoppers follow from a seed, want what is right, and differ in taste."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.simulation import Pages, Shoppers, Taste, Truth, behave, page_of, read_truth
from search.errors import BadInput
from training.simulation import click_model

TRUTH = Truth(
    ("kettle", "lamp"),
    {"kettle": {"a": 4.0, "b": 2.0, "c": 0.0}, "lamp": {"d": 4.0}},
)


def many(page: Pages, count: int) -> Pages:
    return page[np.zeros(count, np.int64)]


def test_the_same_seed_gives_the_same_visits() -> None:
    first, again = (Shoppers(TRUTH, 50, seed=3).visits(100.0) for _ in range(2))
    other = Shoppers(TRUTH, 50, seed=4).visits(100.0)
    assert np.array_equal(first.queries, again.queries)
    assert np.array_equal(first.seconds, again.seconds)
    assert not np.array_equal(first.seconds[:50], other.seconds[:50])


@given(st.integers(1, 300), st.integers(0, 50))
def test_a_shopper_searches_one_to_three_times_in_order(count: int, seed: int) -> None:
    visits = Shoppers(TRUTH, count, seed).visits(1000.0)
    assert set(np.bincount(visits.shoppers, minlength=count)) <= {1, 2, 3}
    assert (np.diff(visits.shoppers) >= 0).all()
    same = np.diff(visits.shoppers) == 0
    assert (np.diff(visits.seconds)[same] >= 60).all()


def test_some_queries_are_asked_more_often_than_others(truth: Truth) -> None:
    asked = np.bincount(Shoppers(truth, 20_000).visits(1.0).queries, minlength=len(truth.queries))
    assert asked.max() > 10 * np.median(asked)


def test_nobody_wants_what_is_irrelevant_for_its_brand_or_price() -> None:
    page = page_of(TRUTH.of("kettle", ["a", "b", "c"]), ["X", "Y", "X"], [10, 20, 30], 3)
    crowd = Shoppers(TRUTH, 1000, taste=Taste(2.0, 2.0))
    felt = crowd.felt(np.arange(1000), many(page, 1000))
    assert (felt[:, 2] == 0).all()
    assert felt[:, 1].std() > 0.5


def test_tastes_average_out_over_shoppers() -> None:
    page = page_of(np.array([2.0, 2.0]), ["X", "Y"], [10, 1000], 2)
    felt = Shoppers(TRUTH, 20_000).felt(np.arange(20_000), many(page, 20_000))
    assert felt.mean(0) == pytest.approx([2, 2], abs=0.02)
    assert felt.std(0) == pytest.approx([np.hypot(0.4, 0.4)] * 2, abs=0.02)


def test_a_shopper_likes_a_brand_wherever_it_stands() -> None:
    crowd = Shoppers(TRUTH, 100, taste=Taste(brand=0.5, price=0.0))
    one, two = (
        crowd.felt(np.arange(100), many(page_of(np.full(2, 2.0), brands, [1, 1], 2), 100))
        for brands in (["X", "Y"], ["Y", "X"])
    )
    assert np.allclose(one, two[:, ::-1])


def test_what_is_not_there_is_neither_seen_nor_clicked() -> None:
    page = many(page_of(np.array([4.0, 4.0]), ["", ""], [None, None], 5), 500)
    done = behave(click_model("joachims"), page.grades, page.shown, np.random.default_rng(0))
    assert done.shown.sum() == 1000
    assert not done.clicks[:, 2:].any()
    assert done.clicks[:, 0].all()


def test_only_what_was_clicked_goes_into_the_cart_and_later_is_bought() -> None:
    page = many(page_of(np.full(10, 4.0), [""] * 10, [5.0] * 10, 10), 2000)
    done = behave(click_model("ultra"), page.grades, page.shown, np.random.default_rng(0))
    assert done.purchases.any()
    assert not (done.carts & ~done.clicks).any()
    assert not (done.purchases & ~done.carts).any()
    bought = done.purchases
    assert (done.clicked[bought] < done.carted[bought]).all()
    assert (done.carted[bought] < done.bought[bought]).all()
    assert done.bought.max() < 300  # a server takes no events from further in the future


def test_grades_are_spread_to_the_scale_of_click_models(truth: Truth) -> None:
    values = {grade for grades in truth.grades.values() for grade in grades.values()}
    assert sorted(values) == pytest.approx([0, 4 / 3, 8 / 3, 4])


def test_a_shop_without_judgments_is_told_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--judgments"):
        read_truth(tmp_path / "judgments.csv")
    path = tmp_path / "none.csv"
    path.write_text("query,product_id,rating\nkettle,a,0\n")
    with pytest.raises(BadInput, match="no query has a relevant product"):
        read_truth(path)


def test_more_shoppers_are_the_same_ones_and_others() -> None:
    page = many(page_of(np.full(3, 2.0), ["X", "Y", "Z"], [1, 2, 3], 3), 10)
    few = Shoppers(TRUTH, 10)
    assert np.allclose(
        few.felt(np.arange(10), page), replace(few, count=99).felt(np.arange(10), page)
    )
    assert few.person(3) == replace(few, count=99).person(3)
