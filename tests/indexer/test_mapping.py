"""Mapping files: what they can say, what they refuse, and what they write back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.mapping import (
    Mapping,
    load_mapping,
    load_preset,
    mapping_toml,
    parse_mapping,
    preset_names,
)
from indexer.validate import RowReader
from search.errors import BadInput
from search.types import Product

MINIMAL = '[fields]\nid = "id"\ntitle = "title"\n'


def product(mapping: str, **row: Any) -> Product:
    return RowReader(parse_mapping(mapping, "test.toml"))({"id": "1", "title": "Lamp", **row})


def test_the_first_source_that_is_not_empty_is_taken() -> None:
    mapping = '[fields]\nid = "id"\ntitle = ["heading", "title"]\n'
    assert product(mapping, heading=" ").title == "Lamp"
    assert product(mapping, heading="Desk lamp").title == "Desk lamp"


def test_joined_sources_leave_out_the_empty_ones_and_lists_are_joined_too() -> None:
    mapping = MINIMAL + 'description = { join = ["a", "b", "c"] }'
    assert (
        product(mapping, a="One.", b="", c=["Two.", "Three."]).description == "One.\nTwo.\nThree."
    )


def test_constants_scales_and_nested_sources() -> None:
    mapping = MINIMAL + (
        'price = { from = "price.cents", scale = 0.01 }\n'
        'currency = { constant = "EUR" }\nbrand = "maker.name"'
    )
    got = product(mapping, price={"cents": 12595}, maker={"name": "Acme"})
    assert (got.price, got.currency, got.brand) == (125.95, "EUR", "Acme")
    assert product(mapping, price=None, maker="x").price is None


@pytest.mark.parametrize(
    ("value", "split", "path"),
    [
        ("Home / Beds & Mattresses / Beds", " / ", ("Home", "Beds & Mattresses", "Beds")),
        ("Home|Beds||", "|", ("Home", "Beds")),
        ("Home > Beds", None, ("Home", "Beds")),
        (["Home", " ", "Beds"], None, ("Home", "Beds")),
        (["Home > Beds", "Twin"], None, ("Home", "Beds", "Twin")),
        ("AC/DC adapters", None, ("AC/DC adapters",)),
        (None, None, ()),
    ],
)
def test_a_category_path_comes_from_text_or_list(
    value: object, split: str | None, path: tuple[str, ...]
) -> None:
    how = f', split = "{split}"' if split else ""
    assert product(MINIMAL + f'category = {{ from = "c"{how} }}', c=value).category == path


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("2006-07-01T00:00:00Z", "iso"),
        ("2006-07-01", "iso"),
        ("01/07/2006", "%d/%m/%Y"),
        (1151712000, "epoch"),
        ("1151712000000", "epoch_ms"),
    ],
)
def test_dates_are_read_in_the_form_the_mapping_names(value: object, form: str) -> None:
    mapping = MINIMAL + f'created = {{ from = "c", date = "{form}" }}'
    assert str(product(mapping, c=value).created) == "2006-07-01"


def test_attributes_come_from_fields_prefixes_objects_pairs_and_the_rest() -> None:
    mapping = (
        MINIMAL
        + """
[attributes]
prefixes = { "t_" = "text", "n_" = "number", "b_" = "boolean" }
object = "extra"
pairs = { from = "features", between = "|", within = ":" }
rest = true
ignore = ["internal"]
[attributes.fields]
width = { from = "w", type = "number" }
"""
    )
    got = product(
        mapping,
        w="12.5",
        b_wireless="yes",
        t_size="10",
        n_size=11,
        n_weight="2.5",
        extra={"material": ["oak", "steel"], "box": {"depth": 3}},
        features="color : red|size:9|shape : round|shape : oval|broken|height : 64.7",
        season="winter",
        internal="x",
        empty="",
    )
    assert got.attributes == {
        "width": 12.5,
        "material": ("oak", "steel"),
        "box.depth": 3.0,
        "color": "red",
        "size": 9.0,
        "shape": ("round", "oval"),
        "height": 64.7,
        "weight": 2.5,
        "wireless": True,
        "season": "winter",
    }


def test_of_two_prefixes_that_give_one_name_the_first_listed_wins() -> None:
    mapping = MINIMAL + '[attributes]\nprefixes = { "t_" = "text", "b_" = "boolean" }'
    assert product(mapping, b_tilt=True, t_tilt="up to 20 degrees").attributes == {
        "tilt": "up to 20 degrees"
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields = [", "not TOML"),
        ('[fields]\nid = "id"\n', r"\[fields\] must say where title"),
        (MINIMAL + 'colour = "c"', "fields.colour"),
        (MINIMAL + 'price = { from = "p", factor = 2 }', "fields.price.factor"),
        (MINIMAL + 'price = { from = "p", constant = 2 }', "exactly one of from, join"),
        (MINIMAL + "[dialect]\ndelimiter = ';;'", "dialect.delimiter"),
        (MINIMAL + "[attributes]\nprefixes = { a = 'int' }", "attributes.prefixes.a"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        load_mapping(path)
    assert str(path) in str(caught.value)


def test_a_constant_that_cannot_be_used_is_refused_before_reading() -> None:
    with pytest.raises(BadInput, match="constant for price"):
        RowReader(parse_mapping(MINIMAL + 'price = { constant = "free" }', "test.toml"))


def test_missing_files_and_unknown_presets_say_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        load_mapping(tmp_path / "none.toml")
    with pytest.raises(BadInput, match=r"aisle, esci, icecat, retrotech, wands"):
        load_preset("amazon")


@pytest.mark.parametrize("name", preset_names())
def test_presets_load_and_are_written_back_unchanged(name: str) -> None:
    mapping = load_preset(name)
    assert parse_mapping(mapping_toml(mapping), "written") == mapping


NAMES = st.text(min_size=1, max_size=12)


@given(title=NAMES, other=NAMES, constant=NAMES | st.booleans() | st.floats(-1e9, 1e9))
def test_any_names_survive_being_written(title: str, other: str, constant: object) -> None:
    mapping = Mapping.model_validate(
        {
            "fields": {"id": "id", "title": [title, other], "brand": {"constant": constant}},
            "attributes": {"fields": {other: {"from": title, "type": "number"}}, "ignore": [title]},
        }
    )
    if any("\ud800" <= c <= "\udfff" for c in title + other + str(constant)):
        return
    assert parse_mapping(mapping_toml(mapping), "written") == mapping


def test_the_wands_columns_become_a_product() -> None:
    row = {
        "product_id": "0",
        "product_name": "solid wood platform bed",
        "product_class": "Beds",
        "category hierarchy": "Furniture / Bedroom Furniture / Beds & Headboards",
        "product_description": "good , deep sleep can be quite difficult .",
        "product_features": "overallwidth-sidetoside:64.7|dsprimaryproductstyle : modern",
        "rating_count": "15.0",
        "average_rating": "4.5",
        "review_count": "15.0",
    }
    got = RowReader(load_preset("wands"))(row)
    assert got.category == ("Furniture", "Bedroom Furniture", "Beds & Headboards")
    assert (got.rating, got.rating_count, got.tags) == (4.5, 15, ("Beds",))
    assert got.attributes == {
        "review_count": 15.0,
        "overallwidth-sidetoside": 64.7,
        "dsprimaryproductstyle": "modern",
    }
