"""Sorting and browsing: unknown values last, ties by age in the catalogue."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from search.types import Filter, Product, Query, Sort
from tests.search.engines.brute import has_every_word, satisfies
from tests.search.engines.shops import ENOUGH, Shop, ids, understood, with_some_word
from tests.search.engines.test_embedded_filters import conditions

SORTS: tuple[Sort, ...] = ("price_asc", "price_desc", "rating", "newest")


def key(product: Product, sort: Sort) -> tuple[float, ...]:
    if sort == "relevance":
        rank, count = product.sales_rank, product.rating_count
        return (
            math.inf if rank is None else rank,
            math.inf if count is None else -count,
        )
    value: float | None
    if sort == "newest":
        value = None if product.created is None else product.created.toordinal()
    else:
        value = product.rating if sort == "rating" else product.price
    if value is None or math.isnan(value):
        return (math.inf,)
    return (value if sort == "price_asc" else -value,)


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, 2),
    sort=st.sampled_from(("relevance", *SORTS)),
    drawn=st.lists(conditions(), max_size=1),
    limit=st.sampled_from([1, 7, 1000]),
)
def test_browsing_equals_sorting_all_products(
    shops: list[Shop], place: int, sort: Sort, drawn: list[Filter], limit: int
) -> None:
    shop, filters = shops[place], tuple(drawn)
    kept = [p for p in shop.products if satisfies(p, filters)]
    expected = [p.id for p in sorted(kept, key=lambda p: key(p, sort))][:limit]
    found = shop.state.sorted_words(Query(""), filters, sort, limit).ranking
    assert ids(shop.state, found.ordinals) == expected


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, 2),
    sort=st.sampled_from(SORTS),
    text=st.sampled_from(["red", "lamp", "red lamp", "steel desk blue"]),
)
def test_sorting_matches_equals_sorting_products(
    shops: list[Shop], place: int, sort: Sort, text: str
) -> None:
    shop = shops[place]
    kept = [p for p in shop.products if has_every_word(p, text)]
    if len(kept) < ENOUGH:
        kept = with_some_word(shop, text)
    words = shop.state.sorted_words(understood(text), (), sort, 1000)
    expected = [p.id for p in sorted(kept, key=lambda p: key(p, sort))]
    assert ids(shop.state, words.ranking.ordinals) == expected
    assert (np.diff(words.ranking.scores) <= 0).all()
