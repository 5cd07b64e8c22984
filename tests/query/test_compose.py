"""What was recognized becomes what is searched."""

from __future__ import annotations

from dataclasses import replace

from query.compose import compose
from search.types import (
    Entity,
    Filter,
    Measure,
    Negation,
    PriceBounds,
    Query,
    Spelling,
)


def color(value: str, start: int) -> Entity:
    found = Filter("color", (value, value.title()))
    end = start + len(value)
    return Entity("color", value, value, start, end, 0.99, "filter", found)


def test_two_colors_are_either() -> None:
    text = "black or white mug"
    query = Query(text, corrected=text, entities=(color("black", 0), color("white", 9)))
    assert compose(query).filters == (Filter("color", ("black", "Black", "white", "White")),)


def test_prices_and_refusals_are_no_words_to_search_for() -> None:
    text = "mug under $50 without lid"
    query = Query(
        text,
        corrected=text,
        price=PriceBounds(high=50, text="under $50", start=4, end=13),
        negations=(Negation("lid", 14, 25, (Filter("words", ("lid",), exclude=True),)),),
    )
    made = compose(query)
    assert made.terms == ("mug",)
    assert made.encoded == "mug"
    assert [each.name for each in made.filters] == ["words", "price"]


def test_what_is_ignored_is_neither_searched_for_nor_applied() -> None:
    text = "mug under $50"
    price = PriceBounds(high=50, text="under $50", start=4, end=13)
    made = compose(Query(text, corrected=text, price=price, ignored=("price",)))
    assert made.terms == ("mug",)
    assert made.filters == ()


def test_an_open_measure_is_no_word_but_an_exact_one_is() -> None:
    text = "rug over 2 m"
    measure = Measure(2, "m", "length", 2000, float("inf"), "over 2 m", 4, 12)
    assert compose(Query(text, corrected=text, measures=(measure,))).terms == ("rug",)
    exact = replace(measure, high=2060.0, text="2 m", start=9)
    assert compose(Query(text, corrected=text, measures=(exact,))).terms[-1] == "m"


def test_an_attribute_alone_may_be_what_is_looked_for() -> None:
    found = Filter("attributes.storage", ("SSD",))
    entity = Entity("storage", "SSD", "ssd", 0, 3, 0.9, "boost", found)
    alone = compose(Query("ssd", corrected="ssd", entities=(entity,)))
    assert alone.boosts[0].weight == 0
    beside = compose(Query("ssd laptop", corrected="ssd laptop", entities=(entity,)))
    assert beside.boosts[0].weight > 0


def test_a_likely_spelling_that_is_only_offered_is_what_is_encoded() -> None:
    spelling = Spelling("suggested", "fire stick", 0.6, (("firestik", "fire stick"),))
    made = compose(Query("firestik", corrected="firestik", spelling=spelling))
    assert made.terms == ("firestik",)
    assert made.encoded == "fire stick"
    doubtful = replace(spelling, confidence=0.4)
    made = compose(Query("firestik", corrected="firestik", spelling=doubtful))
    assert made.encoded == "firestik"
