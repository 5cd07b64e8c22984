"""Measures of products: the same number and the same token in whatever unit they are written."""

from __future__ import annotations

import pytest

from indexer.analysis import index_fields
from indexer.measures import measure_tokens, product_measures, unit_of_name
from search.types import AttributeValue, Product


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Kettle 1.5L", {"volume": (1500,)}),
        ("Kettle, 1.5-Liter", {"volume": (1500,)}),
        ("Laptop Sleeve 15.6″", {"length": (396.24,)}),
        ("Blanket (60'' x 80'')", {"length": (1524, 2032)}),
        ("Paper 8.5x11in", {"length": (215.9, 279.4)}),
        ("Frame 4x6", {}),
        ("Cat6 Cable 14ft, Gray 4.26 m", {"length": (4267.2, 4260)}),
        ("Toner (5,000 Pages*)", {"pages": (5000,)}),
        ("Drive 1TB / 64 GB cache", {"data": (1000, 64)}),
        ("Mugs, Set of 4", {"count": (4,)}),
        ("Socks 12x", {"count": (12,)}),
        ("Mirror 10x Magnifying", {}),
        ("Tent, Sleeps 4", {"persons": (4,)}),
        ("Boots Size US 9", {"size": (9,)}),
        ("Tumbler 32 oz", {"volume": (946.352,)}),
        ("Candle 16 oz", {"mass": (453.592,)}),
        ("Jeans 34W x 32L", {}),
        ("Shoes 8 M US", {}),
        ("Headphones WH-1000XM4", {}),
        ("Hub USB2.0 M/M", {}),
        ("Clock from the 1970's", {}),
        ("5G Router", {}),
        ("Kettle", {}),
    ],
)
def test_titles_are_measured(title: str, expected: dict[str, tuple[float, ...]]) -> None:
    found = product_measures(Product("1", title))
    assert found.keys() == expected.keys()
    for dimension, values in expected.items():
        assert found[dimension] == pytest.approx(values, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("capacity_l", "l"),
        ("screen_in", "in"),
        ("battery_h", "h"),
        ("count_pack", "pack"),
        ("set_depth__inch_", "in"),
        ("battery_capacity__watt_hours_", "wh"),
        ("microphone_in", None),
        ("recommended_age__min_", None),
        ("height__h_", None),
        ("sheets_per_pack", None),
        ("weight", None),
        ("l", None),
    ],
)
def test_a_numeric_attribute_counts_only_when_its_name_is_sure(name: str, unit: str | None) -> None:
    found = unit_of_name(name)
    assert (found.name if found else None) == unit


def test_attributes_are_measured_by_their_text_or_name() -> None:
    attributes: dict[str, AttributeValue] = {"screen": '15.6"', "weight_kg": 2.0, "note": "ok"}
    found = product_measures(Product("1", "Laptop", attributes=attributes))
    assert found == {"length": (396.24,), "mass": (2000.0,)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kettle 1.5 l", "Kettle 1500ml"),
        ('Sleeve 15.6"', "Sleeve 15.6-Inch"),
        ("Socks 12 Pack", "Socks, Pack of 12"),
        ("Drive 1TB", "Drive 1000 GB"),
        ("Frame 4x6", "Frame 4 x 6"),
        ("Frame 4 × 6", 'Frame 4" x 6"'),
    ],
)
def test_two_ways_to_write_a_measure_share_a_token(one: str, other: str) -> None:
    first = measure_tokens(Product("1", one))
    assert set(first) & set(measure_tokens(Product("2", other)))


def test_tokens_are_searched_beside_the_words() -> None:
    fields = index_fields(Product("1", "Kettle 1.5 l"), {"title": 3})
    token = measure_tokens(Product("1", "Kettle 1.5 l"))[0]
    assert token in fields["all"].split()
    assert token not in fields["title"]
