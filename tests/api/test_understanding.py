"""What an answer says about how its query was understood."""

from __future__ import annotations

from api.requests import parse_json, parse_query
from api.responses import search_body
from api.understanding import describe, understanding_body, understanding_line
from search.settings import LimitSettings
from search.types import (
    CategoryProbability,
    Entity,
    Filter,
    Measure,
    Negation,
    PriceBounds,
    Query,
    SearchResponse,
    Spelling,
)

BRAND = Filter("brand", ("Acme",))
QUERY = Query(
    text="acme ketle 1.5 l under $50 without lid",
    normalized="acme ketle 1.5 l under $50 without lid",
    corrected="acme kettle 1.5 l under $50 without lid",
    spelling=Spelling("corrected", "acme kettle 1.5 l under $50 without lid", 0.97),
    entities=(Entity("brand", "Acme", "acme", 0, 4, 0.98, "filter", BRAND),),
    price=PriceBounds(high=50.0, text="under $50", start=18, end=27),
    measures=(Measure(1.5, "l", "volume", 1.455, 1.545, "1.5 l", 12, 17),),
    negations=(Negation("lid", 28, 39),),
    categories=(CategoryProbability(("Home", "Kettles"), 0.9),),
    intent="attribute",
    intent_probability=0.8,
)


def test_a_line_has_what_scripts_read() -> None:
    line = understanding_line(QUERY, 1.25)
    assert line["corrected"] == "acme kettle 1.5 l under $50 without lid"
    assert line["price"] == {"min": None, "max": 50.0}
    assert line["measures"] == [{"value": 1.5, "unit": "l"}]
    assert line["negated"] == ["lid"]
    assert line["intent"] == "attribute"
    assert line["milliseconds"] == 1.25


def test_a_line_has_every_member_even_of_nothing() -> None:
    line = understanding_line(Query(""), 0.1)
    assert line["price"] == {"min": None, "max": None}
    assert line["entities"] == ()
    assert line["intent"] is None


def test_every_part_has_the_key_that_takes_it_back() -> None:
    body = understanding_body(QUERY)
    keys = [body.entities[0].key, body.measures[0].key, body.negated[0].key]
    assert keys == ["brand:Acme", "measure:1.5 l", "negation:lid"]
    assert body.price is not None
    assert body.price.key == "price"


def test_conditions_that_were_dropped_are_told_in_words() -> None:
    dropped = (BRAND, Filter("price", high=50.0), Filter("words", ("lid",), exclude=True))
    response = SearchResponse(QUERY, (), 0, True, "v", "hybrid", dropped=dropped)
    told = search_body(response).understanding.dropped
    assert told == ("brand Acme", "price up to 50", "without lid")


def test_a_range_is_told_with_both_ends() -> None:
    assert describe(Filter("attributes.volume_ml", low=5, high=7)) == "volume ml 5 to 7"
    assert describe(Filter("price", low=20)) == "price from 20"


def test_what_to_ignore_may_be_repeated() -> None:
    pairs = [("q", "acme"), ("ignored", "brand:Acme"), ("ignored", "price"), ("verbatim", "true")]
    request = parse_query(pairs, LimitSettings())
    assert request.ignored == ("brand:Acme", "price")
    assert request.verbatim
    assert parse_json(b'{"ignored": ["price"]}', LimitSettings()).ignored == ("price",)
