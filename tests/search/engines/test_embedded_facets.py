"""Facets count exactly what a loop over the products would count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.engines.embedded.snapshot import OpenSnapshot
from search.engines.local.layout import read_current
from search.errors import BadInput
from search.settings import Settings
from search.types import Filter, Product, Query, Upsert
from tests.search.engines.brute import bounds, counts, has_every_word, satisfies
from tests.search.engines.shops import (
    ATTRIBUTES,
    ENOUGH,
    Shop,
    build,
    change,
    state_of,
    understood,
    with_some_word,
)
from tests.search.engines.test_embedded_filters import conditions

COUNTED = ("brand", "color", "rating", "in_stock", *(f"attributes.{name}" for name in ATTRIBUTES))
RANGED = ("price", "rating", *(f"attributes.{name}" for name in ATTRIBUTES))
NONE = np.empty(0, np.int32)


@settings(max_examples=60, deadline=None)
@given(
    place=st.integers(0, 2),
    text=st.sampled_from(["", "red", "blue", "red lamp", "steel desk", "1000"]),
    drawn=st.lists(conditions(), max_size=2),
    listed=st.sets(st.integers(0, 30), max_size=5),
)
def test_equal_a_loop_over_the_products(
    shops: list[Shop], place: int, text: str, drawn: list[Filter], listed: set[int]
) -> None:
    shop, filters = shops[place], tuple(drawn)
    query, ordinals = understood(text), shop.ordinals()
    also = ordinals[sorted(listed)]
    matching = [p for p in shop.products if has_every_word(p, text)]
    named = any(each.name == "id" and not each.exclude for each in filters)
    if text and (named or len(matching) < ENOUGH):
        matching = with_some_word(shop, text)
    near = [shop.products[i] for i in sorted(listed)] if text else []
    results = list({p.id: p for p in (*matching, *near)}.values())
    total, facets = shop.state.facets(query, filters, also, tuple(dict.fromkeys(COUNTED + RANGED)))
    assert total == sum(satisfies(p, filters) for p in results), (place, text, drawn, listed)
    for facet in facets:
        rest = tuple(each for each in filters if each.name != facet.name or each.exclude)
        within = [p for p in results if satisfies(p, rest)]
        if facet.name in COUNTED:
            assert {v.value: v.count for v in facet.values} == counts(within, facet.name)
        if facet.name in RANGED:
            assert (facet.low, facet.high) == bounds(within, facet.name)


def test_a_category_shows_what_lies_right_below_the_selected_one(tmp_path: Path) -> None:
    paths = [("Home",), ("Home", "Kitchen"), ("Home", "Kitchen", "Kettles"), ("Home & Co", "Desk")]
    build(tmp_path, [Product(str(i), "x", category=path) for i, path in enumerate(paths)])
    state = state_of(tmp_path)
    _, (top,) = state.facets(Query(""), (), NONE, ("category",))
    assert [(v.value, v.count) for v in top.values] == [("Home", 3), ("Home & Co", 1)]
    selected = (Filter("category", ("Home",)),)
    _, (below,) = state.facets(Query(""), selected, NONE, ("category",))
    assert [(v.value, v.count, v.selected) for v in below.values] == [
        ("Home", 3, True),
        ("Home > Kitchen", 2, False),
    ]


def test_values_that_came_later_count_from_their_own_version_on(tmp_path: Path) -> None:
    build(tmp_path, [Product("a", "x", brand="Acme", category=("Home",))])
    snapshot = OpenSnapshot(Settings(data=tmp_path), read_current(tmp_path))
    old = snapshot.open_state()
    change(tmp_path, [Upsert(Product("b", "x", brand="Zed", category=("Home", "Attic")))])
    new = snapshot.advance()
    assert new is not None
    selected = (Filter("brand", ("Zed",)), Filter("category", ("Home", "Home > Attic")))
    for query in (Query(""), understood("x")):
        _, (brand, category) = old.facets(query, selected, NONE, ("brand", "category"))
        assert [(v.value, v.count) for v in brand.values] == [("Acme", 1)]
        assert category.values == ()
        _, (brand, category) = new.facets(query, selected, NONE, ("brand", "category"))
        assert [(v.value, v.count) for v in brand.values] == [("Acme", 1), ("Zed", 1)]
        found = [(v.value, v.count, v.selected) for v in category.values]
        assert found == [("Home", 1, True), ("Home > Attic", 1, True)]
        _, (top,) = new.facets(query, (), NONE, ("category",))
        assert [(v.value, v.count) for v in top.values] == [("Home", 2)]


def test_a_selected_value_is_shown_however_rare(tmp_path: Path) -> None:
    products = [Product(f"{i}-{n}", "x", brand=f"b{i:02}") for i in range(60) for n in range(2)]
    build(tmp_path, [*products, Product("rare", "x", brand="Rare")])
    filters = (Filter("brand", ("Rare",)),)
    _, (facet,) = state_of(tmp_path).facets(Query(""), filters, NONE, ("brand",))
    assert [(v.value, v.count) for v in facet.values if v.selected] == [("Rare", 1)]
    assert len(facet.values) == 51


def test_unasked_facets_are_the_common_ones_and_the_most_frequent_attributes(
    tmp_path: Path,
) -> None:
    names = [f"a{i}" for i in range(8)]
    build(
        tmp_path,
        [Product(str(i), "x", attributes=dict.fromkeys(names[: i + 1], "v")) for i in range(8)],
    )
    _, facets = state_of(tmp_path).facets(Query(""), (), NONE, None)
    assert [facet.name for facet in facets][6:] == [f"attributes.a{i}" for i in range(5)]


def test_an_unknown_facet_is_refused(tmp_path: Path) -> None:
    build(tmp_path, [Product("a", "x")])
    with pytest.raises(BadInput, match="unknown facet 'colour'; known are color"):
        state_of(tmp_path).facets(Query(""), (), NONE, ("colour",))
