"""Prices in queries: bounds, preferences, and numbers that are no price."""

from __future__ import annotations

from pathlib import Path

import pytest

from query.compose import compose
from search.types import Product
from tests.query.phrases.conftest import Understand, learn

PRICES = [
    ("kettle under $50", None, 50),
    ("kettle under 50", None, 50),
    ("kettle below 50 dollars", None, 50),
    ("kettle for under $50", None, 50),
    ("kettle priced under 50", None, 50),
    ("kettle less than 50", None, 50),
    ("kettle cheaper than 50 bucks", None, 50),
    ("kettle < 50€", None, 50),
    ("kettle <$50", None, 50),
    ("kettle <= 50 usd", None, 50),
    ("under $50 kettle", None, 50),
    ("under 50 kettle", None, 50),
    ("kettle up to 50", None, 50),
    ("kettle max $90", None, 90),
    ("kettle $50 max", None, 50),
    ("kettle at most 49.99", None, 49.99),
    ("kettle no more than $50", None, 50),
    ("kettle $50 or less", None, 50),
    ("kettle 50 dollars and under", None, 50),
    ("mug within £30", None, 30),
    ("desk under $1,000", None, 1000),
    ("desk over $100", 100, None),
    ("desk over 100", 100, None),
    ("desk above 100 euros", 100, None),
    ("desk more than 100", 100, None),
    ("desk at least $100", 100, None),
    ("desk starting at $100", 100, None),
    ("desk from $100", 100, None),
    ("desk > 100", 100, None),
    ("desk $100 and up", 100, None),
    ("desk $100+", 100, None),
    ("desk $50-100", 50, 100),
    ("desk $50-$100", 50, 100),
    ("desk $50 – $100", 50, 100),
    ("desk 50-100 usd", 50, 100),
    ("desk 50-100", 50, 100),
    ("desk 50 to 100 dollars", 50, 100),
    ("desk from $50 to $100", 50, 100),
    ("desk between 20 and 40", 20, 40),
    ("desk between $20 and $40 with drawer", 20, 40),
    ("desk over $20 under $50", 20, 50),
    ("desk over $20 but under $50", 20, 50),
    ("desk around $30", 24, 36),
    ("desk about 30 dollars", 24, 36),
    ("cheap desk under $40", None, 40),
]


@pytest.mark.parametrize(("query", "low", "high"), PRICES)
def test_bounds_of_the_price_are_recognized(
    understand: Understand, query: str, low: float | None, high: float | None
) -> None:
    price = understand(query).price
    assert price is not None
    assert (price.low, price.high) == pytest.approx((low, high))


NO_PRICES = [
    "kettle",
    "under desk cable tray",
    "over the door hook",
    "over ear headphones",
    "blanket under 5 lbs",
    "cable under 3 m",
    "air max 90",
    "walking shoes air max 90",
    "phone pro max 256",
    "lamp 90 w max",
    "vitamins for women over 50",
    "vitamins for over 50",
    "toys for kids under 10",
    "toys ages 10-12",
    "toys 10-12 years",
    "bottle under 5 years old",
    "sunscreen 30-50",
    "adapter 100-240v",
    "puzzle over 500 pieces",
    "phone 555-1234",
    "size 8-10 boots",
    "$20 gift card",
    "rug 5 - 7",
    "2 in 1 kettle",
    "over 20 colors markers",
    "budget planner",
    "premium towel",
]


@pytest.mark.parametrize("query", NO_PRICES)
def test_other_numbers_and_words_are_no_price(understand: Understand, query: str) -> None:
    assert understand(query).price is None


@pytest.mark.parametrize(
    ("query", "preference"),
    [
        ("cheap desk", "low"),
        ("cheapest desk", "low"),
        ("affordable mirror", "low"),
        ("low cost mirror", "low"),
        ("low-priced mirror", "low"),
        ("budget mirror", "low"),
        ("luxury mirror", "high"),
        ("high end mirror", "high"),
        ("high-end mirror", "high"),
    ],
)
def test_preferences_bound_nothing(understand: Understand, query: str, preference: str) -> None:
    price = understand(query).price
    assert price is not None
    assert (price.low, price.high, price.preference) == (None, None, preference)


def test_the_catalogue_decides_whether_a_word_is_a_preference(
    understand: Understand, tmp_path: Path
) -> None:
    plain = learn([Product("1", "Towel", price=20.0)], tmp_path)
    assert understand("premium scarf").price is None
    price = plain("premium scarf").price
    assert price is not None
    assert price.preference == "high"


def test_a_bare_number_is_a_price_only_where_products_cost_so_much(
    understand: Understand, tmp_path: Path
) -> None:
    dear = learn([Product(str(n), "Piano", price=3000.0 + n) for n in range(30)], tmp_path)
    assert understand("kettle under 50").price is not None
    assert dear("piano under 50").price is None
    assert dear("piano under $50").price is not None


def test_pounds_are_money_where_the_catalogue_counts_in_them(
    understand: Understand, tmp_path: Path
) -> None:
    british = learn([Product("1", "Kettle", price=20.0, currency="GBP")], tmp_path)
    price = british("kettle under 20 pounds").price
    assert price is not None
    assert price.high == 20
    assert understand("kettle under 20 pounds").price is None


def test_a_price_is_not_searched_for(understand: Understand) -> None:
    query = compose(understand("glass kettle under $50 with handle"))
    assert query.terms == ("glass", "kettle", "with", "handle")
    (condition,) = query.filters
    assert (condition.name, condition.high) == ("price", 50)
