"""The guessed mapping: right on usual names and shapes, and honest about what it did."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from indexer.guess import guess_mapping, guess_table
from indexer.mapping import mapping_toml, parse_mapping
from indexer.validate import RowReader
from search.errors import BadInput
from search.types import Product

from .conftest import ReadCatalogue


def rows(columns: dict[str, Any] | None = None, /, **more: Any) -> list[dict[str, Any]]:
    """Thirty rows numbered from 0; a column is a value, or a function of the row's number."""
    named = {**(columns or {}), **more}
    return [
        {name: value(i) if callable(value) else value for name, value in named.items()}
        for i in range(30)
    ]


def guessed(sample: list[dict[str, Any]]) -> tuple[Product, dict[str, str]]:
    mapping, guesses = guess_mapping(sample)
    assert [guess.source for guess in guesses] == list(sample[0])
    return RowReader(mapping)(sample[0]), {guess.source: guess.target for guess in guesses}


def test_usual_names_in_any_spelling_find_their_fields() -> None:
    got, targets = guessed(
        rows(
            {
                "SKU": lambda i: f"A-{i}",
                "Product Name": "Oak desk",
                "longDescription": "Solid oak.",
                "short-description": "A desk.",
                "Manufacturer": "Acme",
                "Category Path": "Home > Desks",
                "sale_price": "$1,299.00",
                "Colour": "oak",
                "image_link": "https://shop.test/a.jpg",
                "averageRating": "4.5",
                "Review Count": "12",
                "g:item_group_id": "desks",
                "in_stock": "true",
                "date_added": "31/12/2023",
            }
        )
    )
    assert "" not in targets.values()
    assert (got.id, got.title, got.brand, got.color) == ("A-0", "Oak desk", "Acme", "oak")
    assert got.description == "Solid oak.\nA desk."
    assert got.category == ("Home", "Desks")
    assert (got.price, got.rating, got.rating_count, got.stock) == (1299.0, 4.5, 12, None)
    assert str(got.created) == "2023-12-31"
    assert (got.group, got.image) == ("desks", "https://shop.test/a.jpg")
    assert got.attributes == {}


def test_a_name_does_not_outvote_the_values() -> None:
    got, targets = guessed(
        rows(
            id=lambda i: i % 3,
            sku=lambda i: f"s{i}",
            title="Lamp",
            price="on request",
            rating=lambda i: 60 + i,
            stock="see shop",
        )
    )
    assert targets["sku"] == "id"
    assert got.price is None
    assert got.rating is None
    assert got.attributes == {"id": 0.0, "price": "on request", "rating": 60.0, "stock": "see shop"}


@pytest.mark.parametrize(
    ("columns", "price", "list_price"),
    [
        ({"price": 8, "list_price": 10}, 8.0, 10.0),
        ({"list_price": "10.00 €", "sale_price": "8.00 €"}, 8.0, 10.0),
        ({"Price": 8, "Compare At Price": 10}, 8.0, 10.0),
        ({"price": 8, "msrp": "on request"}, 8.0, None),
        ({"list_price": 10}, 10.0, None),
    ],
)
def test_a_price_before_a_discount_is_told_from_the_price(
    columns: dict[str, Any], price: float, list_price: float | None
) -> None:
    got, _ = guessed(rows(id=lambda i: i, title="Lamp", **columns))
    assert (got.price, got.list_price) == (price, list_price)


def test_unknown_fields_become_typed_attributes_and_the_unfit_are_left_out() -> None:
    got, targets = guessed(
        rows(
            id=lambda i: i,
            title="Lamp",
            watts=lambda i: str(i + 40),
            base=lambda i: "E27" if i else "007",
            dimmable="yes",
            manual="https://shop.test/manual.pdf",
            story="word " * 100,
            offers=[{"seller": "x"}],
            size={"width": 3, "unit": "cm"},
        )
    )
    assert got.attributes == {
        "watts": 40.0,
        "base": "007",
        "dimmable": True,
        "size.width": 3.0,
        "size.unit": "cm",
    }
    assert [name for name, target in targets.items() if not target] == ["manual", "story", "offers"]


def test_fields_that_come_after_the_sample_are_kept() -> None:
    mapping, _ = guess_mapping(rows(id=lambda i: i, title="Lamp", watts="40"))
    late = RowReader(mapping)({"id": 99, "title": "Lamp", "watts": "forty", "finish": "matt"})
    assert late.attributes == {"watts": "forty", "finish": "matt"}


def test_without_telling_names_the_shapes_decide() -> None:
    got, _ = guessed(rows(ref=lambda i: f"X{i}", what=lambda i: f"Oak desk number {i}"))
    assert (got.id, got.title) == ("X0", "Oak desk number 0")


def test_an_id_is_the_code_whose_name_says_so_and_never_an_address() -> None:
    got, targets = guessed(
        rows(
            {
                "Picture": lambda i: f"https://shop.test/{i}.jpg",
                "Weight": lambda i: str(i + 0.5),
                "Artikel-Nr": lambda i: f"A-{i}",
                "Name": "Oak desk",
            }
        )
    )
    assert (got.id, got.image) == ("A-0", "https://shop.test/0.jpg")
    assert targets["Weight"] == "attributes.Weight"


def test_one_field_that_speaks_of_a_price_is_the_price() -> None:
    columns = {"id": lambda i: i, "title": "Lamp", "Price incl. VAT": "12,99 €"}
    assert guessed(rows(columns))[0].price == 12.99
    two = guessed(rows(columns, **{"Price per kilo": "3,50 €"}))[0]
    assert two.price is None
    assert two.attributes == {"Price incl. VAT": "12,99 €", "Price per kilo": "3,50 €"}


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ([], "the catalogue is empty"),
        (rows(text="same words here"), "cannot tell which field is the id.*text"),
        (rows(id=lambda i: i, code="a"), "cannot tell which field is the title.*id, code"),
    ],
)
def test_what_cannot_be_guessed_is_said_with_the_fields_there_are(
    sample: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        guess_mapping(sample)


def test_the_guess_can_be_kept_as_a_file_and_shown_as_a_table() -> None:
    sample = rows(id=lambda i: i, title="Lamp", summary="s", features="f", attr_n_watts=40)
    mapping, guesses = guess_mapping(sample)
    assert parse_mapping(mapping_toml(mapping), "kept") == mapping
    out = io.StringIO()
    Console(file=out, width=120).print(guess_table(guesses))
    assert "attributes.watts" in out.getvalue()
    assert "its prefix attr_n_" in out.getvalue()


@pytest.mark.real
@pytest.mark.parametrize("name", ["crowdflower", "homedepot"])
def test_catalogues_with_plain_names_need_no_preset(
    name: str, real_data: Path, read_catalogue: ReadCatalogue
) -> None:
    got = read_catalogue(real_data / name / "products.jsonl.gz", preset=None)
    assert len(got.products) == {"crowdflower": 9_913, "homedepot": 54_667}[name]
    assert not got.rejects


@pytest.mark.real
@pytest.mark.slow
def test_a_guess_agrees_with_the_preset_where_names_tell(
    real_data: Path, read_catalogue: ReadCatalogue
) -> None:
    path = real_data / "esci" / "products.jsonl.gz"
    by_preset = read_catalogue(path, preset="esci").products
    by_guess = read_catalogue(path, preset=None).products
    for preset, guess in zip(by_preset, by_guess, strict=True):
        assert (preset.id, preset.title, preset.description) == (
            guess.id,
            guess.title,
            guess.description,
        )
        assert (preset.brand, preset.category, preset.price, preset.rating) == (
            guess.brand,
            guess.category,
            guess.price,
            guess.rating,
        )
