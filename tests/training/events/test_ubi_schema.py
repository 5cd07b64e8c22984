"""Our reading of UBI against its own JSON schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from training.events.ubi import parse_event, parse_search
from training.events.values import Fault

pytestmark = pytest.mark.real
TEXTS = ("application", "query_id", "session_id", "client_id", "user_query", "message", "other")
LONG = ["x" * 100, "x" * 101, "x" * 256, "x" * 257, "x" * 1024, "x" * 1025]
WRONG: list[Any] = [3, True, 1.5, ["a"], {"a": 1}]
# Mostly right, so that most records are wrong in one place at most.
some = st.sampled_from(["a"] * 60 + LONG + WRONG)
wrong = st.sampled_from(WRONG)
positions = st.one_of(
    st.fixed_dictionaries({"ordinal": st.sampled_from([*range(1, 20), 1.0, 1.5, "1", True])}),
    st.fixed_dictionaries(
        {"xy": st.dictionaries(st.sampled_from("xy"), st.sampled_from([0, -7, 2.5, "a", True]))}
    ),
    st.just({"z": 1}),
    wrong.filter(lambda value: not isinstance(value, dict)),
)
objects = st.fixed_dictionaries(
    {"object_id": some},
    optional={"object_id_type": some, "object_id_field": some, "internal_id": some, "color": some},
)
events = st.fixed_dictionaries(
    {"action_name": some, "timestamp": st.just("2026-01-01T12:00:00Z")},
    optional={
        **dict.fromkeys(TEXTS, some),
        "event_attributes": st.fixed_dictionaries(
            {"position": positions}, optional={"object": objects, "color": some}
        ),
    },
)
queries = st.fixed_dictionaries(
    {"timestamp": st.just("2026-01-01T12:00:00Z")},
    optional={
        "user_query": some,
        "application": some,
        "query_id": some,
        "client_id": some,
        "object_id_field": some,
        "query_response_hit_ids": st.lists(st.sampled_from([*"abcdefgh", 1, None])) | wrong,
        "query_attributes": st.dictionaries(st.sampled_from("ab"), some),
    },
)


def schema(real_data: Path, name: str) -> Draft202012Validator:
    return Draft202012Validator(orjson.loads((real_data / "ubi" / name).read_bytes()))


def test_most_records_of_these_tests_are_right(real_data: Path) -> None:
    counts = [0, 0]

    @settings(max_examples=200, database=None)
    @given(events)
    def count(record: dict[str, Any]) -> None:
        counts[schema(real_data, "event.schema.json").is_valid(record)] += 1

    count()
    assert min(counts) > 20


def taken(read: Any, record: dict[str, Any]) -> bool:
    try:
        read(record)
    except Fault:
        return False
    return True


many = settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@many
@given(record=events)
def test_an_event_is_taken_exactly_when_the_schema_takes_it(
    real_data: Path, record: dict[str, Any]
) -> None:
    assert taken(parse_event, record) == schema(real_data, "event.schema.json").is_valid(record)


@many
@given(record=queries)
def test_a_query_is_taken_exactly_when_the_schema_takes_it(
    real_data: Path, record: dict[str, Any]
) -> None:
    valid = schema(real_data, "query.request.schema.json").is_valid(record)
    assert taken(parse_search, record) == valid
