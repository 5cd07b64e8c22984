"""What is usual in a catalogue, against medians of lists."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean, median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engines.local.statistics import (
    category_prices,
    extended,
    read_statistics,
    write_statistics,
)
from search.types import Product
from tests.search.engines import shops

PATHS = (("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E", "B"))
PRICES = st.one_of(st.just(math.nan), st.floats(0, 1000, width=32))


def usual(path: tuple[str, ...], priced: list[tuple[int, float]]) -> float:
    """The median price of the nearest level with five prices or more."""
    for depth in range(len(path), 0, -1):
        within = [price for code, price in priced if PATHS[code][:depth] == path[:depth]]
        if len(within) >= 5:
            return median(within)
    return math.nan


@given(st.lists(st.tuples(st.integers(-1, len(PATHS) - 1), PRICES), max_size=40))
def test_a_category_is_judged_by_the_nearest_level_with_enough(
    rows: list[tuple[int, float]],
) -> None:
    codes, prices = np.array([r[0] for r in rows], np.int32), np.array([r[1] for r in rows])
    found = category_prices(prices.astype(np.float32), codes, PATHS)
    priced = [(code, price) for code, price in rows if code >= 0 and price == price]
    expected = [usual(path, priced) for path in PATHS]
    assert found.tolist() == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_unknown_numbers_do_not_count(tmp_path: Path) -> None:
    price = np.array([1, math.nan, 3, 8], np.float32)
    rating = np.array([math.nan, 2, 4.5, math.nan], np.float32)
    write_statistics(tmp_path, np.array([1, 2], np.float32), price, rating)
    found = read_statistics(tmp_path)
    assert (found.price, found.rating) == (3, fmean((2, 4.5)))
    assert extended(found, 3).category_price[:2].tolist() == [1, 2]
    assert np.isnan(extended(found, 3).category_price[2])


@pytest.mark.parametrize("products", [[], [Product("a", "Lamp")]])
def test_a_catalogue_that_tells_nothing_has_nothing_usual(
    tmp_path: Path, products: list[Product]
) -> None:
    shops.build(tmp_path, products)
    statistics = shops.state_of(tmp_path).facts.statistics
    assert math.isnan(statistics.price)
    assert math.isnan(statistics.rating)
    assert len(statistics.category_price) == 0
