"""Refusals in queries, and names and idioms that only sound like one."""

from __future__ import annotations

import pytest

from query.compose import compose
from search.types import Filter
from tests.query.phrases.conftest import Understand

NEGATIONS = [
    ("kettle without lid", ["lid"]),
    ("kettle without a lid", ["lid"]),
    ("kettle without lids", ["lids"]),
    ("kettle without whistle", ["whistle"]),
    ("kettle w/o lid", ["lid"]),
    ("mug with no lid", ["lid"]),
    ("chair without wheels or armrests", ["wheels", "armrests"]),
    ("chair without wheels and armrests", ["wheels", "armrests"]),
    ("dress without pockets, sleeves or lid", ["pockets", "sleeves", "lid"]),
    ("shorts without mesh liner", ["mesh liner"]),
    ("blanket without glass beads", ["glass beads"]),
    ("drain without overflow solid brass", ["overflow"]),
    ("thermostat without c wire", ["c wire"]),
    ("lamp without cord for bedroom", ["cord"]),
    ("lamp without cord with switch", ["cord"]),
    ("lamp without cord under $50", ["cord"]),
    ("fan without light 20 w", ["light"]),
    ("fan without light, quiet", ["light"]),
    ("mug not leather", ["leather"]),
    ("mug that is not leather", ["leather"]),
    ("gloves which are not leather", ["leather"]),
    ("mug not double-wall", ["double-wall"]),
    ("lamp but not led", ["led"]),
    ("kettle but no handle", ["handle"]),
    ("belt no buckle", ["buckle"]),
    ("lamp -led", ["led"]),
    ("-led lamp", ["led"]),
    ("fan minus light", ["light"]),
    ("bench excluding cushion", ["cushion"]),
    ("bench not including cushion", ["cushion"]),
    ("sans sleeves dress", ["sleeves"]),
    ("without lid teapot", ["lid"]),
    ("blanket non wool", ["wool"]),
    ("gloves latex free", ["latex"]),
    ("latex-free gloves", ["latex"]),
    ("without glutinous wool scarf", ["glutinous wool"]),
]


@pytest.mark.parametrize(("query", "expected"), NEGATIONS)
def test_what_is_refused_is_recognized(
    understand: Understand, query: str, expected: list[str]
) -> None:
    assert [negation.text for negation in understand(query).negations] == expected


NO_NEGATIONS = [
    "not your daughters jeans",
    "never without you",
    "the meal that is not enough",
    "batteries not included",
    "bite not collar",
    "sing without sorrow shirt",
    "to be or not to be poster",
    "no 7 serum",
    "no more cold feet",
    "no show socks",
    "no bake cake",
    "non stick pan",
    "non-stick pan",
    "nonstick pan",
    "non-slip mat",
    "sugar free gum",
    "sugar-free gum",
    "gluten free crackers",
    "hands free mop",
    "free standing mirror",
    "buy one get one free",
    "sleep without waking my partner",
    "shirt without zorblatts",
    "white t-shirt",
    "desk - black",
    "usb-c cable",
    "without",
    "no",
    "not",
    "w/o",
    "-",
]


@pytest.mark.parametrize("query", NO_NEGATIONS)
def test_names_idioms_and_wished_for_compounds_stay_words(
    understand: Understand, query: str
) -> None:
    found = understand(query)
    assert found.negations == ()
    assert compose(found).terms == compose(understand(found.corrected)).terms


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kettle without lids", ("attributes.lid", "true")),
        ("mug not leather", ("attributes.material", "leather")),
        ("mug not white", ("color", "white")),
        ("mug not grunelda", ("brand", "Grunelda")),
        ("mug not double-wall", ("attributes.double_wall", "true")),
    ],
)
def test_fields_of_the_catalogue_are_excluded_with_the_words(
    understand: Understand, query: str, expected: tuple[str, str]
) -> None:
    (negation,) = understand(query).negations
    words, field = negation.filters
    assert words.name == "words"
    assert field == Filter(expected[0], (expected[1],), exclude=True)
    assert words.exclude


def test_a_refusal_is_not_searched_for(understand: Understand) -> None:
    query = compose(understand("oak chair without wheels or armrests for office"))
    assert query.terms == ("oak", "chair", "for", "office")
    assert query.encoded == "oak chair for office"
    assert [condition.values for condition in query.filters] == [("wheels",), ("armrests",)]


def test_a_refusal_says_where_it_stands(understand: Understand) -> None:
    query = understand("kettle without a lid 1.5 l")
    (negation,) = query.negations
    assert query.corrected[negation.start : negation.end] == "without a lid"
