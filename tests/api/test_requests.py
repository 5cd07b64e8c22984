"""What a search may be asked, and what is said about what may not."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import MalformedBody
from api.requests import KNOWN, parse_json, parse_query
from search.errors import BadInput
from search.settings import LimitSettings
from search.types import Filter, SearchRequest

LIMITS = LimitSettings()


def test_every_parameter_reaches_the_request() -> None:
    request = parse_query(
        [
            ("q", "steel kettle"),
            ("size", "5"),
            ("sort", "price_asc"),
            ("cursor", "abc"),
            ("system", "bm25"),
            ("group", "true"),
            ("highlight", "1"),
            ("explain", "true"),
            ("facets", "brand,price"),
        ],
        LIMITS,
    )
    assert request == SearchRequest(
        "steel kettle",
        sort="price_asc",
        size=5,
        cursor="abc",
        facets=("brand", "price"),
        group=True,
        highlight=True,
        explain=True,
        system="bm25",
    )


def test_repeated_filters_of_one_name_are_alternatives() -> None:
    pairs = [("filter.brand", "Acme"), ("filter.brand", "Bolt"), ("filter.in_stock", "true")]
    assert parse_query(pairs, LIMITS).filters == (
        Filter("brand", ("Acme", "Bolt")),
        Filter("in_stock", ("true",)),
    )


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("10..50", 10, 50), ("..50", None, 50), ("10..", 10, None), ("-1.5..2.25", -1.5, 2.25)],
)
@pytest.mark.parametrize("name", ["price", "rating", "attributes.width_cm"])
def test_ranges_are_inclusive_bounds(name: str, text: str, low: float, high: float) -> None:
    [clause] = parse_query([(f"filter.{name}", text)], LIMITS).filters
    assert clause == Filter(name, (), low, high)


def test_an_attribute_that_is_no_range_is_a_value() -> None:
    [clause] = parse_query([("filter.attributes.size", "3.5..")], LIMITS).filters
    assert clause == Filter("attributes.size", (), 3.5, None)
    [clause] = parse_query([("filter.attributes.size", "XL..")], LIMITS).filters
    assert clause == Filter("attributes.size", ("XL..",))


@pytest.mark.parametrize("facets", ["default", "brand", "brand,color", ""])
def test_facets_by_name_or_by_default(facets: str) -> None:
    wanted = None if facets == "default" else tuple(filter(None, facets.split(",")))
    assert parse_query([("facets", facets)], LIMITS).facets == wanted


@pytest.mark.parametrize(
    ("pairs", "field", "says"),
    [
        ([("siez", "3")], "siez", "known are q, sort, size"),
        ([("filter.colour", "red")], "filter.colour", "filter.color"),
        ([("size", "3"), ("size", "4")], "size", "more than once"),
        ([("size", "many")], "size", "valid integer"),
        ([("size", "101")], "size", "at most 100"),
        ([("size", "-1")], "size", "greater than or equal to 0"),
        ([("sort", "cheapest")], "sort", "price_asc"),
        ([("q", "x" * 10_000)], "q", "10000 characters, at most 512"),
        ([("filter.price", "nan..5")], "filter.price", "10..50"),
        ([("filter.price", "cheap")], "filter.price", "10..50"),
        ([("filter.price", "..")], "filter.price", "10..50"),
        ([("filter.price", "5..1")], "filter.price", "upside down"),
        ([("filter.price", "1..2"), ("filter.price", "3..4")], "filter.price", "one range"),
        ([("filter.brand", str(n)) for n in range(1001)], "filter.brand", "1000"),
        ([(f"filter.attributes.a{n}", "x") for n in range(51)], "filters", "at most 50"),
        ([("cursor", "x" * 501)], "cursor", "500"),
        ([("group", "perhaps")], "group", "boolean"),
    ],
)
def test_what_cannot_be_used_is_named_with_a_remedy(
    pairs: list[tuple[str, str]], field: str, says: str
) -> None:
    with pytest.raises(BadInput, match=says.replace("..", r"\.\.")) as caught:
        parse_query(pairs, LIMITS)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b'{"q": ', MalformedBody, "not JSON"),
        (b'{"q": "\\ud800"}', MalformedBody, "not JSON"),
        (b"[]", BadInput, "object"),
        (b'{"query": "x"}', BadInput, "unknown parameter 'query'"),
        (b'{"size": "20"}', BadInput, "size"),
        (b'{"filters": [{"name": "price", "low": NaN}]}', BadInput, "finite"),
        (b'{"filters": [{"name": "price", "low": 1e999}]}', BadInput, "finite"),
        (b'{"filters": [{"name": "price"}]}', BadInput, "values or a range"),
        (b'{"filters": [{"name": "brand", "values": ["a"], "low": 1}]}', BadInput, "values or"),
    ],
)
def test_a_bad_body_is_explained(body: bytes, error: type[BadInput], says: str) -> None:
    with pytest.raises(error, match=says):
        parse_json(body, LIMITS)


def test_an_empty_body_lists_everything() -> None:
    assert parse_json(b"", LIMITS) == parse_query([], LIMITS) == SearchRequest("")


def test_the_query_string_and_json_mean_the_same() -> None:
    body = {
        "q": "kettle",
        "filters": [
            {"name": "brand", "values": ["Acme"]},
            {"name": "price", "low": 10, "high": 50},
        ],
        "facets": "default",
        "size": 3,
    }
    pairs = [
        ("q", "kettle"),
        ("filter.brand", "Acme"),
        ("filter.price", "10..50"),
        ("facets", "default"),
        ("size", "3"),
    ]
    assert parse_json(orjson.dumps(body), LIMITS) == parse_query(pairs, LIMITS)


@pytest.mark.parametrize("text", ["a\x00b", "a\tb", "a\x1bb", "a\x85b"])
def test_control_characters_separate_words(text: str) -> None:
    assert parse_query([("q", text)], LIMITS).query == "a b"


@pytest.mark.parametrize("text", ["👟 running", "שולחן", "电水壶", "'; DROP TABLE --", "a AND (b"])
def test_any_script_and_any_syntax_is_taken_as_typed(text: str) -> None:
    assert parse_query([("q", text)], LIMITS).query == text


def fault_or(parse: Callable[[], SearchRequest]) -> SearchRequest | BadInput:
    """What parsing gives; any other error than a fault of the request escapes."""
    try:
        return parse()
    except BadInput as error:
        return error


names = st.one_of(
    st.sampled_from([*KNOWN, "filter.price", "filter.brand", "filter.attributes.x"]),
    st.text(max_size=20),
)


@given(st.lists(st.tuples(names, st.text(max_size=600)), max_size=8))
def test_any_parameters_give_a_request_or_a_named_fault(pairs: list[tuple[str, str]]) -> None:
    request = fault_or(lambda: parse_query(pairs, LIMITS))
    if isinstance(request, BadInput):
        assert request.field is not None
        assert str(request)
    else:
        assert len(request.query) <= LIMITS.query_characters
        assert 0 <= request.size <= LIMITS.page_size


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner)
    | st.dictionaries(st.sampled_from(["q", "size", "filters", "name", "low"]), inner),
    max_leaves=8,
).map(lambda value: orjson.dumps(value)))  # fmt: skip
def test_any_body_gives_a_request_or_a_fault(body: bytes) -> None:
    assert str(fault_or(lambda: parse_json(body, LIMITS)))
