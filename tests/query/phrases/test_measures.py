"""Measures in queries: what is one, what only looks like it, and which spellings meet."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.phrases.units import measure_token, nearby_tokens, read_number
from search.types import Product
from tests.query.phrases.conftest import Understand, learn

MEASURES = [
    ("laptop sleeve 15.6 in", [(15.6, "in")]),
    ('15.6" laptop sleeve', [(15.6, "in")]),
    ("15.6-inch laptop sleeve", [(15.6, "in")]),
    ("15.6″ laptop", [(15.6, "in")]),
    ("15.6” laptop", [(15.6, "in")]),
    ("15.6'' laptop", [(15.6, "in")]),
    ("bedside lamp 7.1 in tall", [(7.1, "in")]),
    ("1.5l kettle", [(1.5, "l")]),
    ("1.5 liters kettle", [(1.5, "l")]),
    ("1,5 l kettle", [(1.5, "l")]),
    (".5 l bottle", [(0.5, "l")]),
    ("250ml mug", [(250, "ml")]),
    ("33.8 fl oz descaler", [(33.8, "fl oz")]),
    ("8 fluid ounces", [(8, "fl oz")]),
    ("32 oz water bottle", [(32, "oz")]),
    ("16 oz candle", [(16, "oz")]),
    ("1/2 gallon jug", [(0.5, "gal")]),
    ("1/2gallon jug", [(0.5, "gal")]),
    ("½ pint glasses", [(0.5, "pt")]),
    ("3 quart pot", [(3, "qt")]),
    ("8-cup teapot", [(8, "cup")]),
    ("1/2 inch dowel", [(0.5, "in")]),
    ('1 1/2" pipe', [(1.5, "in")]),
    ("1½ in pipe", [(1.5, "in")]),
    ("6 ft cable", [(6, "ft")]),
    ("8-foot ladder", [(8, "ft")]),
    ("6' ladder", [(6, "ft")]),
    ("2m cable", [(2, "m")]),
    ("10 yards ribbon", [(10, "yd")]),
    ("300mm ruler", [(300, "mm")]),
    ("200 sq ft wallpaper", [(200, "sq ft")]),
    ("5 kg dumbbell", [(5, "kg")]),
    ("15lbs blanket", [(15, "lb")]),
    ("500g coffee", [(500, "g")]),
    ("40w bulb", [(40, "w")]),
    ("1,200 watt heater", [(1200, "w")]),
    ("9 volt battery", [(9, "v")]),
    ("9v battery", [(9, "v")]),
    ("20000mah power bank", [(20000, "mah")]),
    ("99 wh battery", [(99, "wh")]),
    ("1TB drive", [(1, "tb")]),
    ("1 tb drive", [(1, "tb")]),
    ("laptop 16gb 512 gb", [(16, "gb"), (512, "gb")]),
    ("16gb/512gb laptop", [(16, "gb"), (512, "gb")]),
    ("3.2 ghz processor", [(3.2, "ghz")]),
    ("144hz monitor", [(144, "hz")]),
    ("150 psi pump", [(150, "psi")]),
    ("20 °c sleeping bag", [(20, "c")]),
    ("30 minute timer", [(30, "min")]),
    ("60 hour headphones", [(60, "h")]),
    ("800 lumen torch", [(800, "lm")]),
    ("3000k bulb", [(3000, "k")]),
    ("24 megapixel camera", [(24, "mp")]),
    ("12 pack socks", [(12, "pack")]),
    ("pack of 12 socks", [(12, "pack")]),
    ("set of 4 mugs", [(4, "pack")]),
    ("500-piece puzzle", [(500, "piece")]),
    ("6 pairs socks", [(6, "pair")]),
    ("journal 240 pages", [(240, "page")]),
    ("4 person tent", [(4, "person")]),
    ("tent sleeps 4", [(4, "person")]),
    ("4 x 6 in frame", [(4, "in"), (6, "in")]),
    ('60" x 80" blanket', [(60, "in"), (80, "in")]),
    ("5'x7' rug", [(5, "ft"), (7, "ft")]),
    ("4×6 cm label", [(4, "cm"), (6, "cm")]),
    ("kettle １.５ Ｌ", [(1.5, "l")]),
]


@pytest.mark.parametrize(("query", "expected"), MEASURES)
def test_measures_have_their_value_and_one_abbreviation(
    understand: Understand, query: str, expected: list[tuple[float, str]]
) -> None:
    found = understand(query).measures
    assert [(measure.value, measure.unit) for measure in found] == expected


NO_MEASURES = [
    "bedside lamp in white",
    "lamp 3 in white",
    "shirt size m",
    "wh-1000xm4 headphones",
    "galaxy s10 case",
    "headphones TV 300L",
    "speaker QC 519H",
    "best movies 2020 in color",
    "100 silicone",
    "%100 silicone",
    "thermostat c wire",
    "2 in 1 shampoo",
    "3-in-1 charger",
    "5g router",
    "3m tape",
    "1970's lamp",
    "24/7 notebook",
    "1/34 faucet drain",
    "4x6 frame",
    "men's 8 m us shoes",
    "the 2nd kettle",
    "1080p camera",
    "kettle 1.5",
]


@pytest.mark.parametrize("query", NO_MEASURES)
def test_what_only_looks_like_a_measure_is_left_alone(understand: Understand, query: str) -> None:
    assert understand(query).measures == ()


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("blanket under 5 lbs", 0, 5 * 453.592),
        ("cable over 2 m", 2000, float("inf")),
        ("bottle at least 1 l", 1000, float("inf")),
        ("lamp 10-20 w", 9.7, 20.6),
        ("lamp 10 to 20 w", 9.7, 20.6),
        ("cable 2 m", 1940, 2060),
        ("drive 1 tb", 1000, 1000),
        ("pack of 12", 12, 12),
        ("water bottle 10 oz", 286.863, 304.607),
        ("candle 10 oz", 274.99, 292),
    ],
)
def test_bounds_are_in_the_base_unit(
    understand: Understand, query: str, low: float, high: float
) -> None:
    (measure,) = understand(query).measures
    assert (measure.low, measure.high) == pytest.approx((low, high))


def test_a_measure_says_where_it_stands(understand: Understand) -> None:
    query = understand("glass kettle 1.5 l with lid")
    (measure,) = query.measures
    assert query.corrected[measure.start : measure.end] == measure.text == "1.5 l"


def test_the_words_of_a_measure_may_be_replaced_by_its_tokens(understand: Understand) -> None:
    found = understand("laptop 15.6-inch").alternatives
    assert {alternative.words for alternative in found} == {("15.6", "inch")}
    assert measure_token("length", 15.6 * 25.4) in {word for each in found for word in each.instead}


@pytest.mark.parametrize("query", ["5 x 7 rug", "5x7 rug", '5" x 7" rug', "rug 5 × 7"])
def test_sizes_by_sides_share_a_token(understand: Understand, query: str) -> None:
    assert ("measure:sides:5x7",) in {each.instead for each in understand(query).alternatives}


def test_a_brand_that_looks_like_a_measure_is_none_only_where_it_is_a_brand(
    understand: Understand, tmp_path: Path
) -> None:
    elsewhere = learn([Product("1", "Cable 3 m"), Product("2", "Cable 2 m")], tmp_path)
    assert understand("3m tape").measures == ()
    assert [measure.unit for measure in elsewhere("3m tape").measures] == ["m"]


@given(st.floats(0.05, 5000), st.floats(-0.009, 0.009))
def test_a_measure_rounded_in_another_unit_keeps_a_token(value: float, error: float) -> None:
    written = measure_token("length", value * (1 + error))
    assert written in nearby_tokens("length", value)


@given(st.floats(0.05, 5000), st.floats(0.04, 0.5))
def test_another_size_shares_no_token(value: float, more: float) -> None:
    assert measure_token("length", value * (1 + more)) not in nearby_tokens("length", value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1 1/2", 1.5), ("1-1/2", 1.5), ("3/4", 0.75), (".5", 0.5), ("24/7", None), ("1/34", None)],
)
def test_fractions_of_measures_are_read(text: str, value: float | None) -> None:
    assert read_number(text) == value


@pytest.mark.parametrize("text", ["size 10 boots", "us 9 running shoes", "size 8 in white boots"])
def test_a_size_is_no_measure_but_found_however_titles_write_it(
    understand: Understand, text: str
) -> None:
    query = understand(text)
    assert query.measures == ()
    assert query.alternatives
