from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.types import Event, LoggedSearch
from tests.training.events.made import NOON, attributes, ubi
from training.events import Rules, parse_events
from training.events.ubi import event_object, parse_event, parse_search, search_object
from training.events.values import Fault


def parse(*objects: Any, **options: Any) -> Any:
    return parse_events(objects, Rules(), NOON + 60, **options)


def refused(record: Any) -> tuple[str, str]:
    parsed = parse(record)
    assert not parsed.events
    assert not parsed.quarantined
    (one,) = parsed.refused
    return one.field, one.reason


def test_a_click_is_read_whole() -> None:
    record = ubi(
        application="shop",
        message="clicked",
        message_type="USER",
        event_attributes=attributes(dwell_time=12.5, value=9.9, campaign="spring"),
    )
    (event,) = parse(record).events
    assert event == Event(
        id="e1",
        action="click",
        time=NOON,
        search="q1",
        client="anna",
        session="s1",
        application="shop",
        query="red shoes",
        product="p1",
        position=2,
        dwell=12.5,
        value=9.9,
        message="clicked",
        attributes={"campaign": "spring", "message_type": "USER"},
    )


@pytest.mark.parametrize(
    ("record", "field", "reason"),
    [
        (ubi(action_name=None), "action_name", "is required"),
        (ubi(action_name=""), "action_name", "empty"),
        (ubi(action_name="x" * 101), "action_name", "101 characters; at most 100"),
        (ubi(action_name=3), "action_name", "must be a string, not a number"),
        (ubi(timestamp=None), "timestamp", "is required"),
        (ubi(timestamp="yesterday"), "timestamp", "ISO 8601"),
        (ubi(timestamp="2026-01-01"), "timestamp", "ISO 8601"),
        (ubi(timestamp="2026-02-30T12:00:00Z"), "timestamp", "ISO 8601"),
        (ubi(timestamp="0001-01-01T00:00:00+14:00"), "timestamp", "before 1990"),
        (ubi(timestamp="1970-01-01T00:00:00Z"), "timestamp", "before 1990"),
        (ubi(timestamp=1767268800000), "timestamp", "must be a string"),
        (ubi(timestamp="2026-01-01T12:06:01Z"), "timestamp", "301 s in the future"),
        (ubi(query_id="x" * 101), "query_id", "at most 100"),
        (ubi(client_id=7), "client_id", "must be a string"),
        (ubi(message="x" * 1025), "message", "1025 characters; at most 1024"),
        (ubi(message_type="x" * 101), "message_type", "at most 100"),
        (ubi(event_attributes=[]), "event_attributes", "must be an object, not an array"),
        (ubi(event_attributes={"object": {"object_id": "p"}}), "event_attributes.position", "ord"),
        (
            ubi(event_attributes=attributes(position={"ordinal": 0})),
            "event_attributes.position.ordinal",
            "positions go from 1",
        ),
        (
            ubi(event_attributes=attributes(position={"ordinal": 1e300})),
            "event_attributes.position.ordinal",
            "too large",
        ),
        (
            ubi(event_attributes=attributes(position={"ordinal": 1.5})),
            "event_attributes.position.ordinal",
            "integer",
        ),
        (
            ubi(event_attributes=attributes(position={"ordinal": True})),
            "event_attributes.position.ordinal",
            "not a boolean",
        ),
        (
            ubi(event_attributes=attributes(position={"xy": {"x": 1}})),
            "event_attributes.position.xy.y",
            "number",
        ),
        (
            ubi(event_attributes=attributes(object={"name": "shoe"})),
            "event_attributes.object.object_id",
            "is required",
        ),
        (
            ubi(event_attributes=attributes(object={"object_id": "x" * 257})),
            "event_attributes.object.object_id",
            "at most 256",
        ),
        (ubi(event_attributes=attributes(dwell_time=-1)), "event_attributes.dwell_time", "0 or"),
        (ubi(message="a\0b"), "", "NUL"),
        (ubi(message="\ud800"), "", "not JSON"),
        (ubi(event_attributes=attributes(note="x" * 17_000)), "", "at most 16384"),
        (["click"], "", "not an array"),
        (None, "", "not null"),
    ],
)
def test_a_fault_is_refused_with_its_field_and_reason(record: Any, field: str, reason: str) -> None:
    found, why = refused(record)
    assert found == field
    assert reason in why


def test_the_good_events_of_a_batch_are_kept_and_the_bad_ones_named_by_index() -> None:
    parsed = parse(ubi(event_id="a"), {"action_name": "click"}, ubi(event_id="b"), 5)
    assert [event.id for event in parsed.events] == ["a", "b"]
    assert [one.index for one in parsed.refused] == [1, 3]


def test_what_need_not_be_there_may_be_null_or_missing() -> None:
    (event,) = parse({"action_name": "logout", "timestamp": "2026-01-01T12:00:00", "message": None,
                      "event_attributes": None}).events  # fmt: skip
    assert (event.time, event.product, event.position) == (NOON, "", None)
    purchase = ubi(action_name="purchase", event_attributes={"object": {"object_id": 7}})
    assert parse(purchase).events[0].product == "7"


def test_an_event_without_an_id_has_that_of_its_content() -> None:
    first, again = ubi(event_id=None), dict(reversed(ubi(event_id=None).items()))
    other = ubi(event_id=None, client_id="bob")
    names = [event.id for event in parse(first, again, other).events]
    assert names[0] == names[1] != names[2]


def test_old_events_and_unknown_products_are_set_aside() -> None:
    late = ubi(timestamp="2025-12-25T11:00:00Z")
    parsed = parse(late, ubi(), known_product=lambda product: product != "p1")
    assert [one.field for one in parsed.quarantined] == [
        "timestamp",
        "event_attributes.object.object_id",
    ]
    assert "7.0 days old" in parsed.quarantined[0].reason
    assert not parsed.events


def test_who_somebody_is_is_not_kept() -> None:
    record = ubi(user_id="Anna Example", event_attributes=attributes(ip="1.2.3.4", browser="F"))
    (event,) = parse(record, pseudonym=lambda client: f"hash of {len(client)}").events
    assert event.client == "hash of 4"
    assert b"Anna" not in orjson.dumps(event)
    assert b"1.2.3.4" not in orjson.dumps(event)


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
names = words.filter(bool)


@given(
    st.builds(
        Event,
        id=names,
        action=names,
        time=st.integers(700_000_000, 4_000_000_000).map(float),
        search=words,
        client=words,
        session=words,
        application=words,
        query=words,
        product=words,
        position=st.integers(1, 1000),
        dwell=st.none() | st.floats(0, 1e6),
        value=st.none() | st.floats(0, 1e6),
        message=words,
        attributes=st.dictionaries(st.sampled_from(["color", "campaign", "message_type"]), names),
    )
)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    assert parse_event(orjson.loads(orjson.dumps(event_object(event)))) == event


@given(
    st.builds(
        LoggedSearch,
        id=names,
        time=st.integers(700_000_000, 4_000_000_000).map(float),
        query=words,
        products=st.lists(names, max_size=4).map(tuple),
        first=st.integers(1, 100),
        normalized=words,
        client=words,
        session=words,
        application=words,
        system=words,
        model=words,
        snapshot=words,
        experiment=words,
        arm=words,
        teams=st.lists(names, max_size=4).map(tuple),
        propensities=st.lists(st.floats(0, 1), max_size=4).map(tuple),
        exploration=words,
        total=st.integers(1, 1000),
        feature_version=words,
        attributes=st.dictionaries(st.sampled_from(["filters", "object_id_field"]), names),
    )
)
def test_a_search_is_read_as_it_was_written(logged: LoggedSearch) -> None:
    assert parse_search(orjson.loads(orjson.dumps(search_object(logged)))) == logged


def test_features_of_a_search_keep_what_is_missing() -> None:
    features = np.array([[1.5, np.nan], [0.0, 3.0]], np.float32)
    logged = LoggedSearch(
        "q", NOON, "shoes", ("a", "b"), feature_names=("x", "y"), features=features
    )
    read = parse_search(orjson.loads(orjson.dumps(search_object(logged)))).features
    assert read is not None
    np.testing.assert_array_equal(read, features)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"timestamp": "2026-01-01T12:00:00Z"}, "user_query"),
        ({"user_query": "x"}, "timestamp"),
        ({"user_query": "x", "timestamp": "2026-01-01T12:00:00Z", "query_response_hit_ids": "p"},
         "query_response_hit_ids"),
        ({"user_query": "x", "timestamp": "2026-01-01T12:00:00Z", "query_response_hit_ids": [1]},
         "query_response_hit_ids"),
        ({"user_query": "x", "timestamp": "2026-01-01T12:00:00Z",
          "query_attributes": {"aisle": {"features": [[1]]}}}, "query_attributes.aisle.features"),
    ],
)  # fmt: skip
def test_a_faulty_search_is_refused_by_field(record: Any, field: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_search(record)
    assert caught.value.field == field


def test_importing_has_no_limit_of_age() -> None:
    old = ubi(timestamp="2001-01-01T12:00:00Z")
    assert math.isinf(Rules().for_import().late_seconds)
    assert parse_events([old], Rules().for_import(), NOON).events
