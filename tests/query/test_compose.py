"""What was recognized becomes what is searched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from query.compose import category_boosts, compose, kind_said
from search.types import (
    CategoryProbability,
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


def measured_kettle(text: str, measure: str, ignored: tuple[str, ...] = ()) -> Query:
    at = text.index(measure)
    kind = Filter("category", ("Kettles",))
    start = text.index("kettle")
    return Query(
        text,
        corrected=text,
        entities=(
            Entity("product_type", "kettle", "kettle", start, start + 6, 0.6, "boost", kind),
        ),
        measures=(Measure(1000, "ml", "volume", 990, 1010, measure, at, at + len(measure)),),
        categories=(CategoryProbability(("Kettles",), 0.9),),
        ignored=ignored,
    )


@pytest.mark.parametrize("text", ["1000 ml kettle", "kettle 1000 ml", "kettle of 1000 ml"])
def test_a_measure_says_nothing_of_the_kind_that_is_named_beside_it(text: str) -> None:
    made = compose(measured_kettle(text, "1000 ml"))
    assert made.terms == tuple(text.split())
    assert "1000" not in kind_said(made)
    assert "ml" not in kind_said(made)
    assert "kettle" in kind_said(made)


def test_a_measure_alone_says_what_it_can_of_the_kind() -> None:
    alone = Query(
        "1000 ml",
        corrected="1000 ml",
        measures=(Measure(1000, "ml", "volume", 990, 1010, "1000 ml", 0, 7),),
    )
    assert kind_said(compose(alone)) == "1000 ml"
    within = replace(alone, entities=(Entity("product_type", "ml", "ml", 5, 7, 0.6, "boost"),))
    assert kind_said(compose(within)) == "1000 ml"


def test_the_category_counts_more_beside_a_measure_of_it() -> None:
    """Words of a measure are rare: without this, what is written so stands above what is meant."""
    measured = measured_kettle("1000 ml kettle", "1000 ml")
    plain = replace(measured, measures=())
    weights = [category_boosts(query).boosts[-1].weight for query in (measured, plain)]
    assert weights[0] > 2 * weights[1]
