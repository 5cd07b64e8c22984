"""What is suggested for what was typed: beginnings, later words, any order, typing errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.suggest import Entry, Suggester
from tests.query.suggest.conftest import Make

KITCHEN = ("Kitchen", "Coffee", "Kettles")
ENTRIES = (
    Entry("kettle", "query", 5.0, 40, home=KITCHEN),
    Entry("Kettles", "category", 4.5, 50, scope=KITCHEN, home=KITCHEN),
    Entry("kettle", "query", 4.0, 30, scope=("Kitchen",), home=KITCHEN),
    Entry("steel kettle", "query", 3.0, 12, home=KITCHEN),
    Entry("kettle for camping", "query", 2.5, 4, home=("Outdoors", "Camping", "Stoves")),
    Entry("tent", "query", 2.4, 9, home=("Outdoors", "Camping", "Tents")),
    Entry("teapot", "query", 2.6, 9, home=("Kitchen", "Coffee", "Teapots")),
    Entry("Kestrel", "brand", 2.0, 7),
    Entry("men's running shoes", "query", 2.0, 5),
    Entry("headphones", "query", 2.0, 5),
    Entry("Café <b>Crème</b> mug", "product", 1.0, 1),
    Entry("air mattress", "query", 1.5, 3),
    Entry("hair dryer", "query", 3.5, 3),
    Entry("kettlebell rack", "query", 1.0, 3),
)


def texts(suggester: Suggester, typed: str, *recent: str, size: int = 10) -> list[str]:
    return [each.text for each in suggester.complete(typed, size, recent)]


@pytest.fixture
def suggester(make: Make) -> Suggester:
    return make(ENTRIES)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("k", "kettle"),
        ("KET", "kettle"),
        ("ste", "steel kettle"),
        ("camp", "kettle for camping"),
        ("kettle st", "steel kettle"),
        ("steel kettles", "steel kettle"),
        ("mens run", "men's running shoes"),
        ("men's sh", "men's running shoes"),
        ("creme", "Café <b>Crème</b> mug"),
        ("kettel", "kettle"),
        ("ketle", "kettle"),
        ("kttle", "kettle"),
        ("kwttle", "kettle"),
        ("heapdhone", "headphones"),
        ("hedphonse", "headphones"),
        ("stel kettl", "steel kettle"),
        ("steelkettle", "steel kettle"),
        ("head phones", "headphones"),
    ],
)
def test_what_was_meant_comes_first(suggester: Suggester, typed: str, expected: str) -> None:
    assert texts(suggester, typed)[0] == expected


@pytest.mark.parametrize("typed", ["xyz", "kettle xyz", "?!", "zz", "a b c d e f g h i"])
def test_nothing_is_guessed_for_what_is_near_nothing(suggester: Suggester, typed: str) -> None:
    assert texts(suggester, typed) == []


def test_a_short_word_is_not_taken_for_another(suggester: Suggester) -> None:
    assert texts(suggester, "air") == ["air mattress"]


def test_a_finished_word_is_not_continued(suggester: Suggester) -> None:
    assert texts(suggester, "kettle ")[0] == "kettle"
    assert "kettlebell rack" in texts(suggester, "kettle")
    assert "kettlebell rack" not in texts(suggester, "kettle ")


def test_the_most_asked_for_comes_while_nothing_is_typed(suggester: Suggester) -> None:
    found = texts(suggester, "", size=3)
    assert found[0] == "kettle"
    assert "Café <b>Crème</b> mug" not in texts(suggester, "")


def test_a_suggestion_says_where_and_how_many(suggester: Suggester) -> None:
    first, category, scoped = suggester.complete("kettl", 3)
    assert (first.kind, first.category, first.products) == ("query", (), 40)
    assert (category.kind, category.category) == ("category", KITCHEN)
    assert (scoped.text, scoped.category) == ("kettle", ("Kitchen",))


def test_the_typed_part_is_marked_and_the_rest_is_escaped(suggester: Suggester) -> None:
    assert suggester.complete("kettle st")[0].highlight == (
        "<mark>st</mark>eel <mark>kettle</mark>"
    )
    shown = suggester.complete("cre")[0].highlight
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert "<mark>" in shown


def test_recent_queries_and_categories_bring_their_neighbors_up(suggester: Suggester) -> None:
    assert texts(suggester, "te")[:2] == ["teapot", "tent"]
    assert texts(suggester, "te", "Outdoors > Camping")[0] == "tent"
    assert texts(suggester, "te", "kettle for camping")[0] == "tent"
    assert texts(suggester, "ke", "no such thing") == texts(suggester, "ke")


def test_one_that_differs_in_spaces_or_number_comes_once(make: Make) -> None:
    suggester = make(
        [
            Entry("kettle bell", "query", 2.0),
            Entry("kettlebell", "query", 1.0),
            Entry("kettle bells", "query", 0.5),
        ]
    )
    assert texts(suggester, "kettle") == ["kettle bell"]


def test_no_more_than_asked_for(suggester: Suggester) -> None:
    assert len(texts(suggester, "k", size=2)) == 2
    assert texts(suggester, "k", size=0) == []


def test_nothing_to_suggest_from(make: Make) -> None:
    assert texts(make([]), "k") == []
    assert texts(make([]), "") == []


@given(st.text(max_size=40), st.lists(st.text(max_size=10), max_size=3))
def test_any_text_gets_an_answer(shop_suggester: Suggester, typed: str, recent: list[str]) -> None:
    found = shop_suggester.complete(typed, 10, recent)
    assert len(found) <= 10
    assert len(set(found)) == len(found)
    for typed_once in (typed, typed * 20):
        shop_suggester.complete(typed_once, 10, recent)


@given(st.data())
def test_an_entry_is_found_by_all_of_its_text(
    shop_suggester: Suggester, data: st.DataObject
) -> None:
    entry = data.draw(st.integers(0, len(shop_suggester.index) - 1))
    text = shop_suggester.index.text(entry)
    found = {each.text for each in shop_suggester.complete(text, 50)}
    assert text in found or any(len(each) == len(text) for each in found), text
