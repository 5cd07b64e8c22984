"""Changes as JSON: the good ones are taken, each bad one is explained by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.changes import Fault, parse_batch, parse_change, parse_changes
from search.types import Delete, Patch, Product, Upsert

KETTLE: dict[str, Any] = {
    "id": "k1",
    "title": "Steel kettle",
    "category": ["Home", "Kitchen"],
    "price": 39.5,
    "currency": "USD",
    "attributes": {"material": "steel", "liters": 1.7, "cordless": True, "fits": ["a", "b"]},
    "created": "2026-01-31",
    "stock": 3,
}


def test_the_three_operations() -> None:
    changes, faults = parse_changes(
        [
            {"op": "upsert", "product": KETTLE},
            {"op": "delete", "id": "k2"},
            {"op": "patch", "id": "k3", "fields": {"price": 12, "stock": None}},
        ]
    )
    assert faults == []
    assert changes == [
        Upsert(
            Product(
                "k1",
                "Steel kettle",
                category=("Home", "Kitchen"),
                price=39.5,
                currency="USD",
                attributes={
                    "material": "steel",
                    "liters": 1.7,
                    "cordless": True,
                    "fits": ("a", "b"),
                },
                created=date(2026, 1, 31),
                stock=3,
            )
        ),
        Delete("k2"),
        Patch("k3", {"price": 12.0, "stock": None}),
    ]


def test_a_line_of_a_catalogue_is_an_upsert() -> None:
    change = parse_change(KETTLE, 0)
    assert isinstance(change, Upsert)
    assert change.product.id == "k1"


def test_the_good_part_of_a_batch_survives_the_bad() -> None:
    changes, faults = parse_batch(
        b'{"changes": [{"op": "upsert", "product": {"id": "a", "title": "A", "price": NaN}},'
        b' {"op": "delete", "id": "b"}, {"op": "burn", "id": "c"}]}'
    )
    assert changes == [Delete("b")]
    assert [(fault.index, fault.field) for fault in faults] == [(0, "product.price"), (2, "op")]


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        (3, None, "object"),
        ({"op": "upsert"}, "product", "missing"),
        ({"op": "upsert", "product": {"id": "a"}}, "product.title", "missing"),
        ({"op": "upsert", "product": {"id": " ", "title": "A"}}, "product.id", "no id"),
        ({"op": "delete", "id": "\u200b"}, "id", "no id"),
        ({"op": "upsert", "product": {"id": "a", "title": "A", "price": -1}}, "product.price", "0"),
        ({"op": "upsert", "product": {"id": "a", "title": "A", "price": "9"}}, "product.price", ""),
        ({"op": "upsert", "product": {"id": "a", "title": "A", "rating": 7}},
         "product.rating", "5"),
        ({"op": "upsert", "product": {"id": "a", "title": "A", "colour": "red"}},
         "product.colour", "unknown field"),
        ({"op": "upsert", "product": {"id": "a", "title": "A", "image": "javascript:x"}},
         "product.image", "not an image"),
        ({"op": "patch", "id": "a", "fields": {}}, "fields", "changes nothing"),
        ({"op": "patch", "id": "a", "fields": {"title": None}}, "fields.title", "needs a title"),
        ({"op": "patch", "id": "a", "fields": {"id": "b"}}, "fields.id", "unknown field"),
        ({"op": "patch", "id": "a", "fields": {"image": "data:text/html,x"}},
         "fields.image", "not an image"),
    ],
)  # fmt: skip
def test_a_bad_change_names_field_reason_and_remedy(
    change: object, field: str | None, says: str
) -> None:
    fault = parse_change(change, 4)
    assert isinstance(fault, Fault)
    assert (fault.index, fault.field) == (4, field)
    assert says in fault.reason
    assert fault.remedy


def test_text_is_cleaned_as_a_catalogue_files_is() -> None:
    change = parse_change({"id": "a", "title": "<b>Mug</b>\x00 &amp; lid", "brand": " Acme "}, 0)
    assert isinstance(change, Upsert)
    assert (change.product.title, change.product.brand) == ("Mug & lid", "Acme")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
fields = st.dictionaries(
    st.sampled_from([*Product.__dataclass_fields__, "op", "product", "fields"]), values
)


@given(st.sampled_from(["upsert", "delete", "patch"]), fields, fields)
def test_any_change_is_taken_or_explained(
    op: str, outer: dict[str, Any], inner: dict[str, Any]
) -> None:
    record = {**outer, "op": op, "id": "a", "product": {"id": "a", "title": "A", **inner}}
    del record["product" if op != "upsert" else "id"]
    change = parse_change({k: v for k, v in record.items() if k in ("op", "id", "product")}, 0)
    assert isinstance(change, Upsert | Delete | Fault)
    patch = parse_change({"op": "patch", "id": "a", "fields": inner}, 0)
    assert isinstance(patch, Patch | Fault)
