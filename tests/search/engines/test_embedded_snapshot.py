"""Snapshots on disk: what was written comes back, and what was altered is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.engines.local.attributes import number_term, term_number
from search.engines.local.documents import decode_product, encode_product
from search.engines.local.layout import DataLayout, read_current
from search.engines.local.manifest import FORMAT, verify
from search.engines.local.strings import StringTable
from search.errors import IndexCorrupt, IndexMissing
from search.types import Product
from tests.search.engines.shops import build, state_of, unit_vectors

FULL = Product(
    "id/1",
    "Kettle é",
    description="Line\nbreak",
    brand="Acme",
    category=("Home", "Kitchen"),
    price=0.0,
    currency="EUR",
    color="red",
    attributes={"size": 2.5, "kinds": ("a", "b"), "new": False},
    tags=("t",),
    image="http://x/y.png",
    rating=4.5,
    rating_count=0,
    sales_rank=7,
    stock=0,
    created=date(1969, 12, 31),
    group="g",
    list_price=2.5,
)


@pytest.mark.parametrize("product", [FULL, Product("a", "")])
def test_a_product_comes_back_whole(product: Product) -> None:
    assert decode_product(encode_product(product)) == product


@given(st.lists(st.floats(allow_nan=False)))
def test_terms_of_numbers_sort_as_numbers(numbers: list[float]) -> None:
    terms = sorted(number_term("n", number) for number in numbers)
    assert [term_number(term) for term in terms] == sorted(numbers)


@given(
    st.sets(st.text(st.characters(exclude_categories=["Cs"]))), st.text("ab\U0001f600", max_size=2)
)
def test_a_string_table_is_a_sorted_list(texts: set[str], prefix: str) -> None:
    ascending = sorted(texts)
    table = StringTable.of(ascending)
    assert list(table) == ascending
    assert [table.code(text) for text in ascending] == list(range(len(ascending)))
    assert [table[c] for c in table.prefixed(prefix)] == [
        text for text in ascending if text.startswith(prefix)
    ]
    assert table.code(prefix) == (ascending.index(prefix) if prefix in texts else None)
    for below in (None, "", "b"):
        found = table.chosen((prefix, *ascending[:2]), below)
        assert {table[code] for code in found.tolist()} == {
            text
            for text in ascending
            if text in (prefix, *ascending[:2])
            or (
                below is not None
                and text.startswith((prefix + below, *(t + below for t in ascending[:2])))
            )
        }


def files(data: Path) -> list[Path]:
    root = DataLayout(data).snapshot(read_current(data)).root
    return sorted(p for p in root.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_every_altered_or_missing_file_is_named(tmp_path: Path) -> None:
    build(tmp_path, [FULL, Product("b", "Lamp")], unit_vectors(2))
    root = DataLayout(tmp_path).snapshot(read_current(tmp_path)).root
    for path in files(tmp_path):
        content = path.read_bytes()
        if content:
            path.write_bytes(bytes([content[0] ^ 255]) + content[1:])
            with pytest.raises(IndexCorrupt, match=path.name):
                verify(root, full=True)
        path.write_bytes(content + b"x")
        with pytest.raises(IndexCorrupt, match=path.name):
            verify(root, full=False)
        path.unlink()
        with pytest.raises(IndexCorrupt, match=path.name):
            verify(root, full=False)
        path.write_bytes(content)
    verify(root, full=True)


def test_a_part_of_another_snapshot_is_refused(tmp_path: Path) -> None:
    build(tmp_path, [FULL])
    stamp = DataLayout(tmp_path).snapshot(read_current(tmp_path)).columns / "VERSION"
    stamp.write_text("20200101T000000-0000")
    with pytest.raises(IndexCorrupt, match="columns/VERSION is of snapshot"):
        state_of(tmp_path)


def test_an_index_of_another_format_is_refused_by_name(tmp_path: Path) -> None:
    build(tmp_path, [FULL])
    manifest = DataLayout(tmp_path).snapshot(read_current(tmp_path)).manifest
    content = manifest.read_text()
    assert content.count(f'"format": {FORMAT}') == 1
    manifest.write_text(content.replace(f'"format": {FORMAT}', '"format": 1'))
    with pytest.raises(IndexCorrupt, match=rf"has format 1, this program reads {FORMAT}.*index"):
        state_of(tmp_path)


def test_an_empty_catalogue_opens(tmp_path: Path) -> None:
    build(tmp_path, [])
    assert state_of(tmp_path).count == 0


def test_what_is_no_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="aisle index"):
        read_current(tmp_path)
    (tmp_path / "CURRENT").write_text("../../etc")
    with pytest.raises(IndexCorrupt, match="no version"):
        read_current(tmp_path)
