"""Filters: words and vectors are narrowed alike, and as a shopper would read the filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.engines.embedded.columns import Dictionary
from search.errors import BadInput
from search.types import Filter, Product, Query
from tests.search.engines.brute import satisfies
from tests.search.engines.shops import WORDS, Shop, build, ids, state_of, understood

BOUNDS = st.sampled_from([None, -3.0, 0.0, 1.0, 2.5, 9.99, 19.99, 1e9])
CHOICES = {
    "brand": ["Acme", "acme", "Nobody"],
    "color": ["red", "blue"],
    "category": ["Home", "Home > Kitchen", "Home & Co", "Hom"],
    "in_stock": ["true", "false"],
    "id": ["p0", "p3", "none"],
    "attributes.size": ["red", "5", "5.0", "0", "true", "a b", "1e9", "2.50", "line\nbreak"],
    "attributes.dotted.name": ["Red", "false", "9.99"],
    "attributes.fits: all?": ["é=x", "a > b"],
}


@st.composite
def conditions(draw: st.DrawFn) -> Filter:
    name = draw(st.sampled_from([*CHOICES, "price", "rating"]))
    ranged = name in ("price", "rating") or (name.startswith("attr") and draw(st.booleans()))
    if not ranged:
        chosen = st.lists(st.sampled_from(CHOICES[name]), min_size=1, max_size=2)
        return Filter(name, tuple(draw(chosen)))
    low, high = draw(st.tuples(BOUNDS, BOUNDS).filter(any_bound))
    return Filter(name, low=low, high=high)


def any_bound(pair: tuple[float | None, float | None]) -> bool:
    low, high = pair
    return (low is not None or high is not None) and (low is None or high is None or low <= high)


@settings(max_examples=60, deadline=None)
@given(drawn=st.lists(conditions(), min_size=1, max_size=3), place=st.integers(0, 2))
def test_words_and_masks_select_what_the_filter_says(
    shops: list[Shop], drawn: list[Filter], place: int
) -> None:
    state, filters = shops[place].state, tuple(drawn)
    expected = [p.id for p in shops[place].products if satisfies(p, filters)]
    assert sorted(ids(state, np.flatnonzero(state.masks.of(filters)))) == sorted(expected)
    found: set[str] = set()
    for word in WORDS:
        found |= set(ids(state, state.words(understood(word), filters, 100).ranking.ordinals))
    assert found == set(expected), (place, drawn)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Filter("brnd", ("x",)), "known are brand"),
        (Filter("attributes.sise", ("x",)), "attributes.size"),
        (Filter("price", low=float("nan")), "not a number"),
        (Filter("price", low=5, high=2), "wrong way round"),
        (Filter("price", ("5",)), "bound"),
        (Filter("price"), "bound"),
        (Filter("brand"), "one value or more"),
        (Filter("brand", low=1), "one value or more"),
        (Filter("in_stock", ("maybe",)), "true or false"),
        (Filter("attributes.size", low=2, high=1), "wrong way round"),
    ],
)
def test_a_senseless_filter_is_refused_with_a_remedy(
    tmp_path: Path, wrong: Filter, says: str
) -> None:
    build(tmp_path, [Product("a", "Kettle", attributes={"size": 3.0})])
    state = state_of(tmp_path)
    with pytest.raises(BadInput, match=says) as refused:
        state.words(Query("kettle", "kettle", ("kettle",)), (wrong,), 10)
    assert refused.value.field == wrong.name
    with pytest.raises(BadInput, match=says):
        state.masks.of((wrong,))


def test_bounds_without_end_and_beyond_float32_are_bounds(tmp_path: Path) -> None:
    build(tmp_path, [Product("a", "Kettle", price=5.0), Product("b", "Kettle")])
    state = state_of(tmp_path)
    for low, high in ((-1e300, 1e300), (-float("inf"), float("inf"))):
        filters = (Filter("price", low=low, high=high),)
        assert ids(state, np.flatnonzero(state.masks.of(filters))) == ["a"]
        query = Query("kettle", "kettle", ("kettle",))
        assert ids(state, state.words(query, filters, 10).ranking.ordinals) == ["a"]


@pytest.mark.parametrize(("name", "value"), [("brand", "Zebra"), ("category", "Home > Kitchen")])
def test_a_value_that_comes_while_a_filter_is_applied_is_not_of_this_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    build(tmp_path, [Product("a", "Kettle", brand="Acme", category=("Home",))])
    state = state_of(tmp_path)
    code = Dictionary.code

    def late(dictionary: Dictionary, text: str) -> int | None:
        if text == "Home":
            state.filters.dictionaries[name].add(f"{value} 1")
            state.filters.dictionaries[name].add(f"{value} 2")
        return code(dictionary, text)

    monkeypatch.setattr(Dictionary, "code", late)
    values = ("Home", f"{value} 1", f"{value} 2")
    assert state.masks.of((Filter(name, values),)).tolist() == [name == "category"]
