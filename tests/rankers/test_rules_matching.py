"""Which rules hold for a request, and how several go together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from query.stem import stems
from query.text import words
from rankers.rules import RuleSet, parse_rules
from search.types import (
    CategoryProbability,
    Entity,
    Filter,
    Query,
    SearchRequest,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTHING = SearchRequest("")


def analyze(text: str) -> tuple[str, ...]:
    return tuple(stems(words(text)))


def rules(text: str) -> RuleSet:
    return parse_rules(text, analyze, most=3)


def rule(when: str, rule_id: str = "a", more: str = "") -> str:
    pin = f'pin = [{{ id = "{rule_id}", position = 1 }}]'
    return f'[[rule]]\nid = "{rule_id}"\nwhen = {when}\n{pin}\n{more}\n'


def typed(text: str, corrected: str = "") -> Query:
    normalized = " ".join(words(text))
    return Query(text, normalized=normalized, corrected=corrected or normalized)


def held(text: str, query: Query, request: SearchRequest = NOTHING, now: datetime = NOON) -> bool:
    return bool(rules(text).matching(query, request, now).rules)


@pytest.mark.parametrize(
    ("match", "query", "expected"),
    [
        ("exact", "Red Kettles", True),
        ("exact", "red kettle 1.5 l", False),
        ("exact", "kettle red", False),
        ("words", "a kettle that is red", True),
        ("words", "kettle", False),
        ("starts", "red kettle 1.5 l", True),
        ("starts", "the red kettle", False),
    ],
)
def test_a_query_is_compared_by_stems(match: str, query: str, expected: bool) -> None:
    text = rule(f'{{ query = "red kettle", match = "{match}" }}')
    assert held(text, typed(query)) is expected


def test_a_corrected_query_is_what_it_was_corrected_to_and_what_was_typed() -> None:
    assert held(rule('{ query = "kettle" }'), typed("ketle", corrected="kettle"))
    assert held(rule('{ query = "ketle" }'), typed("ketle", corrected="kettle"))


def test_one_of_several_queries_is_enough() -> None:
    text = rule('{ query = ["sofa", "couch"] }')
    assert held(text, typed("couches"))
    assert not held(text, typed("chair"))


def test_a_category_is_chosen_named_or_probably_meant() -> None:
    text = rule('{ category = "Home > Kitchen" }')
    below = Filter("category", ("Home > Kitchen > Kettles",))
    assert held(text, typed(""), SearchRequest("", filters=(below,)))
    assert not held(text, typed(""), SearchRequest("", filters=(Filter("category", ("Home",)),)))
    named = Entity("category", "Kettles", "kettles", 0, 7, 0.9, "boost", below)
    assert held(text, Query("kettles", entities=(named,)))
    for probability, expected in ((0.6, True), (0.4, False)):
        guess = CategoryProbability(("Home", "Kitchen", "Kettles"), probability)
        assert held(text, Query("kettles", categories=(guess,))) is expected


def test_a_segment_is_what_the_request_passes() -> None:
    text = rule('{ segment = "members" }')
    assert held(text, typed("x"), SearchRequest("x", segments=("members", "north")))
    assert not held(text, typed("x"), SearchRequest("x", segments=("north",)))


def test_everything_that_is_given_must_hold() -> None:
    text = rule('{ query = "kettle", segment = "members" }')
    assert held(text, typed("kettle"), SearchRequest("kettle", segments=("members",)))
    assert not held(text, typed("kettle"))
    assert not held(text, typed("lamp"), SearchRequest("lamp", segments=("members",)))


def test_days_are_inclusive_and_moments_are_exact() -> None:
    days = rule('"everywhere"', more="from = 2026-11-21\nuntil = 2026-11-22")
    for day, expected in ((20, False), (21, True), (22, True), (23, False)):
        assert held(days, typed("x"), now=NOON.replace(day=day)) is expected
    assert not held(days, typed("x"), now=datetime(2026, 11, 23, tzinfo=UTC))
    until = rule('"everywhere"', more="until = 2026-11-21T13:00:00+01:00")
    assert held(until, typed("x"))
    assert not held(until, typed("x"), now=NOON.replace(second=1))


def test_a_higher_priority_goes_first_and_then_the_order_of_the_file() -> None:
    text = (
        rule('"everywhere"', "first")
        + rule('"everywhere"', "second")
        + rule('"everywhere"', "urgent", "priority = 5")
    )
    effects = rules(text).matching(typed("x"), NOTHING, NOON)
    assert effects.rules == ("urgent", "first", "second")
    assert [pin.product for pin in effects.pins] == ["urgent", "first", "second"]


def test_the_first_redirect_is_followed() -> None:
    text = rule('{ query = "x" }', "one", 'redirect = "/one"') + rule(
        '{ query = "x" }', "two", 'redirect = "/two"\npriority = 1'
    )
    assert rules(text).matching(typed("x"), NOTHING, NOON).redirect == "/two"
