from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.cursor import Cursor, decode_cursor, encode_cursor, fingerprint
from search.errors import BadInput
from search.types import Filter, SearchRequest

REQUEST = SearchRequest("kettle", (Filter("brand", ("Arden",)),))


@given(version=st.text(), offset=st.integers(0, 10_000))
def test_a_cursor_survives_the_trip(version: str, offset: int) -> None:
    cursor = Cursor(version, offset, fingerprint(REQUEST))
    assert decode_cursor(encode_cursor(cursor), REQUEST) == cursor


@given(text=st.text(max_size=80))
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        decode_cursor(text, REQUEST)
    assert refused.value.field == "cursor"


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, query="teapot"),
        replace(REQUEST, filters=()),
        replace(REQUEST, sort="price_asc"),
        replace(REQUEST, group=True),
    ],
)
def test_a_cursor_of_another_request_is_refused(other: SearchRequest) -> None:
    cursor = encode_cursor(Cursor("v", 20, fingerprint(REQUEST)))
    with pytest.raises(BadInput, match="another query"):
        decode_cursor(cursor, other)


def test_page_size_and_display_options_may_change_between_pages() -> None:
    cursor = Cursor("v", 20, fingerprint(REQUEST))
    wider = replace(REQUEST, size=50, highlight=True, explain=True, facets=None)
    assert decode_cursor(encode_cursor(cursor), wider) == cursor


def test_a_query_id_goes_from_page_to_page_without_changing_what_is_asked() -> None:
    first = replace(REQUEST, id="first")
    cursor = Cursor("v", 20, fingerprint(first), id="first")
    assert decode_cursor(encode_cursor(cursor), REQUEST).id == "first"
    assert decode_cursor(encode_cursor(cursor), replace(REQUEST, id="other")) == cursor
