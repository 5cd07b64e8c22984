"""Filters: words and vectors are narrowed alike, and as a shopper would read the filter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.engines.local.columns import Dictionary
from search.engines.local.measures import measure_key
from search.errors import BadInput
from search.types import Filter, Product, Query, Upsert
from tests.search.engines.brute import satisfies
from tests.search.engines.shops import WORDS, Shop, build, change, ids, state_of, understood

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
    "words": ["lamp", "kettles", "red kettle", "blue blue desk", "a", "free lamp", "desk free red"],
}
MEASURED = ("measures.length", "measures.none")


@st.composite
def conditions(draw: st.DrawFn) -> Filter:
    name = draw(st.sampled_from([*CHOICES, "price", "rating", *MEASURED]))
    excludes = draw(st.booleans())
    ranged = name in ("price", "rating", *MEASURED) or (
        name.startswith("attr") and draw(st.booleans())
    )
    if not ranged:
        chosen = st.lists(st.sampled_from(CHOICES[name]), min_size=1, max_size=6)
        return Filter(name, tuple(draw(chosen)), exclude=excludes)
    low, high = draw(st.tuples(BOUNDS, BOUNDS).filter(any_bound))
    return Filter(name, low=low, high=high, exclude=excludes)


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
    ordinals = shops[place].ordinals()[::-2]
    satisfied = state.facts.satisfy(ordinals, drawn)
    for row, each in zip(satisfied, drawn, strict=True):
        some = shops[place].products[::-2]
        assert row.tolist() == [satisfies(p, (each,)) for p in some], each


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
        (Filter("words", (" ",)), "a word or more"),
        (Filter("words", low=1), "one value or more"),
        (Filter("measures.length", ("5",)), "bound"),
        (Filter("brnd", ("x",), exclude=True), "known are brand"),
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


@pytest.mark.parametrize(
    ("title", "has"),
    [
        ("Tumbler with lid", True),
        ("Tumbler with lids", True),
        ("Tumbler without lid", False),
        ("Tumbler without a lid", False),
        ("Tumbler w/o lid", False),
        ("Tumbler, no lid", False),
        ("Lid-free tumbler", False),
        ("Tumbler without handle, with lid", True),
        ("Lidless tumbler", False),
        ("Tumbler", False),
    ],
)
def test_a_title_that_refuses_a_word_has_it_not(tmp_path: Path, title: str, has: bool) -> None:
    build(tmp_path, [Product("a", title)])
    state = state_of(tmp_path)
    for exclude in (False, True):
        filters = (Filter("words", ("lid",), exclude=exclude),)
        assert state.masks.of(filters).tolist() == [has != exclude]
        found = state.words(understood("tumbler"), filters, 10).ranking
        assert len(found) == (has != exclude)


def test_a_phrase_that_negates_is_found_where_the_title_negates_alike(tmp_path: Path) -> None:
    build(tmp_path, [Product("a", "Sugar-free gum"), Product("b", "Sugar gum")])
    state = state_of(tmp_path)
    assert state.masks.of((Filter("words", ("sugar free gum",)),)).tolist() == [True, False]
    assert state.masks.of((Filter("words", ("sugar",), exclude=True),)).tolist() == [True, False]


def test_measures_compare_across_units(tmp_path: Path) -> None:
    build(
        tmp_path, [Product("a", 'Laptop 15.6"'), Product("b", "Laptop 39.6 cm"), Product("c", "")]
    )
    change(tmp_path, [Upsert(Product("d", "Laptop 396 mm")), Upsert(Product("e", "Laptop 14 in"))])
    state = state_of(tmp_path)
    filters = (Filter("measures.length", low=395.0, high=398.0),)
    assert ids(state, np.flatnonzero(state.masks.of(filters))) == ["a", "b", "d"]
    found = state.words(understood("laptop"), filters, 10).ranking.ordinals
    assert set(ids(state, found)) == {"a", "b", "d"}
    _, facets = state.facets(Query(""), filters, np.empty(0, np.int32), None)
    assert not any("measure" in facet.name for facet in facets)


def test_what_is_excluded_is_no_alternative_in_its_own_facet(tmp_path: Path) -> None:
    brands = ("Acme", "Bo", "Cleo")
    build(tmp_path, [Product(brand, "Kettle", brand=brand) for brand in brands])
    state = state_of(tmp_path)
    filters = (Filter("brand", ("Bo",), exclude=True),)
    for query in (Query(""), understood("kettle")):
        total, (facet,) = state.facets(query, filters, np.empty(0, np.int32), ("brand",))
        assert total == 2
        assert [(v.value, v.count, v.selected) for v in facet.values] == [
            ("Acme", 1, False),
            ("Cleo", 1, False),
        ]


def test_a_phrase_does_not_run_on_into_the_next_title(tmp_path: Path) -> None:
    build(tmp_path, [Product("a", "Desk red"), Product("b", "Kettle"), Product("c", "Red kettle")])
    state = state_of(tmp_path)
    (phrase,) = filters = (Filter("words", ("red kettle",)),)
    assert state.masks.of(filters).tolist() == [False, False, True]
    every = np.arange(3, dtype=np.int32)
    assert state.facts.satisfy(every, [phrase]).tolist() == [[False, False, True]]


@pytest.mark.parametrize(("low", "high"), [(-5.0, -0.5), (-1.5, 0.0), (-9.0, 9.0)])
def test_keys_of_measures_sort_as_numbers_do(low: float, high: float) -> None:
    for number in (-9.0, -1.0, -0.0, 0.5, 9.0, 1e300):
        key = measure_key("temperature", number)
        bounds = measure_key("temperature", low), measure_key("temperature", high)
        assert (bounds[0] <= key <= bounds[1]) == (low <= number <= high)
