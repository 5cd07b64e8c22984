"""What is accepted, what is refused and with which words, value by value."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.mapping import PRODUCT_FIELDS, load_preset, parse_mapping
from indexer.validate import MAX_ID, MAX_TEXT, RowReader
from indexer.values import BadValue, clean_text, parse_number
from search.types import Product


def read(**row: Any) -> Product:
    return RowReader(load_preset("aisle"))({"id": "1", "title": "Lamp", **row})


def refused(**row: Any) -> BadValue:
    with pytest.raises(BadValue) as caught:
        read(**row)
    return caught.value


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("12.5", 12.5),
        (" 7 ", 7.0),
        ("1e3", 1000.0),
        ("$1,299.00", 1299.0),
        ("12,99 €", 12.99),
        ("1.299,00 €", 1299.0),
        ("EUR 1 299,50", 1299.5),
        ("CHF 1'299.50", 1299.5),
        ("£0.999", 0.999),
        ("1,299,000", 1299000.0),
        ("US$ 5", 5.0),
        ("-3", -3.0),
        ("", None),
        ("N/A", None),
        (None, None),
    ],
)
def test_numbers_are_read_as_shops_write_them(written: object, number: float | None) -> None:
    assert parse_number(written) == number


@pytest.mark.parametrize(
    "written",
    ["abc", "12.99 - 15.99", "1,2,3", "1.2.3", "12,99.5,1", "0x1f", "1_000", "five", "$", True, [1],
     "1," + "0" * 100, "1" + " " * 50_000 + "x"],
)  # fmt: skip
def test_what_is_not_a_number_is_refused(written: object) -> None:
    with pytest.raises(BadValue, match="not a number"):
        parse_number(written)


@pytest.mark.parametrize("written", ["nan", "NaN", "-inf", "Infinity", "1e999", math.nan, math.inf])
def test_what_is_not_finite_is_refused(written: object) -> None:
    with pytest.raises(BadValue, match="not a finite number"):
        parse_number(written)


@pytest.mark.parametrize(
    ("written", "comma", "dot"),
    [("1,299", 1.299, 1299.0), ("1.299 €", 1299.0, 1.299), ("$12,345", 12.345, 12345.0)],
)
def test_an_ambiguous_number_is_refused_until_the_mapping_settles_it(
    written: str, comma: float, dot: float
) -> None:
    with pytest.raises(BadValue, match="ambiguous") as caught:
        parse_number(written)
    assert "decimal" in caught.value.remedy
    assert (parse_number(written, ","), parse_number(written, ".")) == (comma, dot)


@given(st.decimals(0, 10**9, places=2), st.sampled_from([(",", "."), (".", ",")]))
def test_grouped_amounts_come_back_as_they_were(amount: Any, marks: tuple[str, str]) -> None:
    thousands, decimal = marks
    text = f"{amount:,.2f}".replace(",", "_").replace(".", decimal).replace("_", thousands)
    assert parse_number(text + " €") == float(amount)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", "abc"),
        ("price", math.nan),
        ("price", -1),
        ("list_price", -1),
        ("list_price", "was 20"),
        ("price", 1e10),
        ("price", True),
        ("price", {"amount": 1}),
        ("rating", 5.1),
        ("rating", -0.1),
        ("rating", "4.5 of 5"),
        ("rating_count", 3.5),
        ("rating_count", -1),
        ("sales_rank", "first"),
        ("stock", -2),
        ("stock", "plenty"),
        ("created", "last week"),
        ("created", "2024-02-30"),
        ("image", "javascript:alert(1)"),
        ("brand", {"name": "Acme"}),
        ("category", ["a"] * 30),
        ("title", ""),
        ("title", None),
        ("title", "<br>\x00"),
        ("id", ""),
        ("id", None),
        ("id", [1]),
        ("id", 1.5),
        ("id", 1e300),
        ("id", "x" * (MAX_ID + 1)),
        ("attributes", "red"),
    ],
)
def test_a_value_that_cannot_be_meant_refuses_the_row_with_a_remedy(
    field: str, value: object
) -> None:
    error = refused(**{field: value})
    assert error.field == field
    assert error.reason
    assert error.remedy
    assert len(error.reason) < 300


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_an_empty_value_is_unknown_and_never_refused(value: object) -> None:
    names = (
        "description brand category price list_price currency color tags image rating rating_count"
    )
    row = dict.fromkeys([*names.split(), "sales_rank", "stock", "created", "group"], value)
    if value in ([], {}):
        row = {name: [] for name in ("description", "brand", "category", "tags", "image")}
    assert read(**row) == read()


def test_good_values_of_every_field() -> None:
    got = read(
        id=42,
        title="  A\tlamp ",
        description=["Bright.", "Warm."],
        brand="Acme",
        category=["Home", "Lamps"],
        price="19.90",
        currency="USD",
        color="red",
        attributes={"watts": 40, "dimmable": True, "base": "E27", "modes": ["day", "night"]},
        tags=["sale", "sale", "new"],
        image="/images/42.svg",
        rating=4,
        rating_count="1,204,000",
        sales_rank=7.0,
        stock="12",
        created="2024-05-06T07:08:09+02:00",
        group=17,
    )
    assert got == Product(
        id="42",
        title="A lamp",
        description="Bright.\nWarm.",
        brand="Acme",
        category=("Home", "Lamps"),
        price=19.9,
        currency="USD",
        color="red",
        attributes={"watts": 40.0, "dimmable": True, "base": "E27", "modes": ("day", "night")},
        tags=("sale", "new"),
        image="/images/42.svg",
        rating=4.0,
        rating_count=1_204_000,
        sales_rank=7,
        stock=12,
        created=date(2024, 5, 6),
        group="17",
    )


@pytest.mark.parametrize(
    ("value", "stock"),
    [("in stock", None), (True, None), ("InStock", None), ("https://schema.org/OutOfStock", 0),
     (False, 0), ("sold out", 0), ("3", 3), (0, 0)],
)  # fmt: skip
def test_availability_in_words_is_a_stock(value: object, stock: int | None) -> None:
    assert read(stock=value).stock == stock


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("a\x00b\x1b[31m\u200bc\ufeff", "ab[31mc"),
        ("evil \u202egnp.exe", "evil gnp.exe"),
        ("<p>One &amp; <b>two</b></p>", "One & two"),
        ("&lt;ul&gt;&lt;li&gt;x&lt;/li&gt;&lt;/ul&gt;", "x"),
        ("Init&#x99; 45&#xB0; 70&quot;", 'Init™ 45° 70"'),
        ("noise <200Ω and 3 < 4 > 2", "noise <200Ω and 3 < 4 > 2"),
        ("a  b\u00a0 c\r\n\r\n d ", "a b c\nd"),
        ("family 👨‍👩‍👧 ok", "family 👨‍👩‍👧 ok"),
        ("half \ud800 pair", "half pair"),
    ],
)
def test_text_is_cleaned_of_markup_and_of_what_cannot_be_seen(written: str, text: str) -> None:
    assert clean_text(written) == text


@given(st.text())
def test_clean_text_is_settled_and_can_be_written(text: str) -> None:
    plain = text.replace("&", "").replace("<", "")
    once = clean_text(plain)
    assert clean_text(once) == once
    clean_text(text).encode("utf-8")


def test_a_text_beyond_its_bound_is_cut_and_counted() -> None:
    reader = RowReader(load_preset("aisle"))
    got = reader({"id": "1", "title": "t" * 2_000, "description": "word " * 10_000})
    assert len(got.title) == MAX_TEXT["title"]
    assert MAX_TEXT["description"] - 5 <= len(got.description) <= MAX_TEXT["description"]
    assert reader.cut == 2


def test_a_typed_attribute_refuses_or_keeps_as_text_as_the_mapping_says() -> None:
    text = '[fields]\nid = "id"\ntitle = "t"\n[attributes]\nprefixes = { "n_" = "number" }\n'
    row = {"id": "1", "t": "Shirt", "n_size": "XL"}
    with pytest.raises(BadValue) as caught:
        RowReader(parse_mapping(text, "x"))(row)
    assert caught.value.field == "attributes.size"
    lenient = parse_mapping(text + 'on_mismatch = "text"', "x")
    assert RowReader(lenient)(row).attributes == {"size": "XL"}


def test_too_many_attributes_refuse_the_row() -> None:
    assert refused(attributes={f"a{i}": i for i in range(1_001)}).field == "attributes"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**3000, 10**3001)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["$1,2", "12,99 €", "2024-13-01", "&#0;", "<b", "in stock", "٣", "1e400"])
    | st.binary(max_size=4)
    | st.dates()
    | st.decimals()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=6,
)
OPTIONAL = tuple(name for name in (*PRODUCT_FIELDS, "attributes") if name not in ("id", "title"))
READER = RowReader(load_preset("aisle"))
PRODUCT_ROWS = st.fixed_dictionaries(
    {"id": st.just("1") | VALUES, "title": st.just("Lamp") | VALUES},
    optional=dict.fromkeys(OPTIONAL, VALUES),
)


@given(PRODUCT_ROWS)
def test_any_row_is_a_sound_product_or_a_clear_refusal(row: dict[str, Any]) -> None:
    got: Product | None = None
    refusal: BadValue | None = None
    try:
        got = READER(row)
    except BadValue as error:
        refusal = error
    if refusal is not None or got is None:
        assert refusal is not None
        assert refusal.field.partition(".")[0] in row
        assert refusal.remedy
        return
    assert 0 < len(got.id) <= MAX_ID
    assert 0 < len(got.title) <= MAX_TEXT["title"]
    assert got.price is None or 0 <= got.price <= 1e9
    assert got.rating is None or 0 <= got.rating <= 5
    assert got.stock is None or got.stock >= 0
    assert all(" > " not in level and level for level in got.category)
    for name, value in got.attributes.items():
        assert name
        assert isinstance(value, str | float | bool | tuple)
        assert not isinstance(value, float) or math.isfinite(value)
    repr(got).encode("utf-8")
