"""Events over HTTP: which are kept, which are refused, and what the shop is told."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.app import create_app
from api.events import read_batch
from api.settings import AppSettings, EventSettings
from fixtures import Shop
from search.errors import BadInput
from tests.api.conftest import connected
from tests.api.logged import rows


def event(product: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "action_name": "click",
        "timestamp": datetime.now(UTC).isoformat(),
        "query_id": "q1",
        "session_id": "s1",
        "client_id": "browser-1",
        "event_attributes": {"object": {"object_id": product}, "position": {"ordinal": number}},
        **fields,
    }


@pytest.fixture
def product(shop: Shop) -> str:
    return shop.products[0].id


async def test_what_is_accepted_is_on_disk_before_the_answer(data: Path, product: str) -> None:
    batch = [event(product), event(product, 2, action_name="purchase")]
    batch[1]["event_attributes"] |= {"value": 19.5}
    async with connected(data) as client:
        answer = await client.post("/v1/events", json=batch)
        kept = rows(data, "events")
    assert answer.status_code == 202
    nothing = {"duplicates": 0, "quarantined": 0, "errors": [], "set_aside": []}
    assert answer.json() == {"accepted": 2, **nothing}
    assert [row["event_id"] for row in kept] == ["e1", "e2"]
    assert [row["position"] for row in kept] == [1, 2]
    assert kept[1]["value"] == 19.5
    assert {row["product"] for row in kept} == {product}


async def test_no_client_id_is_kept_as_it_is(data: Path, product: str) -> None:
    async with connected(data) as client:
        await client.post("/v1/events", json=[event(product)])
        await client.get("/v1/search?q=mug&client_id=browser-1&query_id=q1")
    [search], [done] = rows(data, "searches"), rows(data, "events")
    assert search["client"] == done["client"] != ""
    written = b"".join(p.read_bytes() for p in (data / "events").rglob("*") if p.is_file())
    assert b"browser-1" not in written


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/json", "list"),
        ("application/json; charset=utf-8", "object"),
        ("application/json", "one"),
        ("application/x-ndjson", "lines"),
        ("application/jsonl", "lines"),
        ("text/plain;charset=UTF-8", "lines"),
        ("text/plain;charset=UTF-8", "object"),
    ],
)
async def test_a_batch_may_have_any_of_its_forms(
    data: Path, product: str, content_type: str, form: str
) -> None:
    one = event(product)
    body = {
        "list": json.dumps([one]),
        "object": json.dumps({"events": [one]}),
        "one": json.dumps(one),
        "lines": json.dumps(one) + "\r\n\n",
    }[form]
    headers = {"content-type": content_type, "origin": "http://shop"}
    async with connected(data) as client:
        answer = await client.post("/v1/events", content=body, headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


async def test_sent_again_it_is_counted_once(data: Path, product: str) -> None:
    async with connected(data) as client:
        await client.post("/v1/events", json=[event(product)])
        again = await client.post("/v1/events", json=[event(product), event(product, 2)])
    assert again.json()["duplicates"] == 1
    async with connected(data) as client:  # another process does not remember the ids
        await client.post("/v1/events", json=[event(product, 2)])
    assert [row["event_id"] for row in rows(data, "events", "event_id")] == ["e1", "e2"]


async def test_the_bad_events_of_a_batch_are_named_and_the_others_kept(
    data: Path, product: str
) -> None:
    late = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    unfinished = event(product, 1)
    del unfinished["action_name"]
    batch = [
        unfinished,
        event(product, 2),
        event(product, 3, timestamp=future),
        event(product, 4, timestamp=late),
        event("no-such-product", 5),
        "no object",
        event(product, 6, message="x" * 2000),
    ]
    async with connected(data) as client:
        answer = await client.post("/v1/events", json=batch)
        metrics = (await client.get("/metrics")).text
    body = answer.json()
    assert answer.status_code == 207
    assert (body["accepted"], body["quarantined"]) == (1, 2)
    assert [(e["index"], e["field"]) for e in body["errors"]] == [
        (0, "action_name"),
        (2, "timestamp"),
        (5, ""),
        (6, "message"),
    ]
    assert all(error["reason"] for error in body["errors"])
    assert [(e["index"], e["field"]) for e in body["set_aside"]] == [
        (3, "timestamp"),
        (4, "event_attributes.object.object_id"),
    ]
    assert [row["event_id"] for row in rows(data, "events")] == ["e2"]
    assert {row["event_id"] for row in rows(data, "quarantined")} == {"e4", "e5"}
    for outcome, count in (("accepted", 1), ("refused", 4), ("quarantined", 2)):
        assert f'aisle_events_total{{outcome="{outcome}"}} {count}.0' in metrics


async def test_a_line_that_is_no_json_is_named_by_its_number(data: Path, product: str) -> None:
    body = f"{json.dumps(event(product))}\n{{broken\n{json.dumps(event(product, 2, query_id=7))}"
    async with connected(data) as client:
        answer = await client.post(
            "/v1/events", content=body, headers={"content-type": "application/x-ndjson"}
        )
    assert answer.status_code == 207
    assert answer.json()["accepted"] == 1
    assert [(e["index"], e["field"]) for e in answer.json()["errors"]] == [(1, ""), (2, "query_id")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("\xff", 400),
        ("[]", 422),
        ("{}", 422),
        ("7", 422),
        ('{"events": []}', 422),
        ('{"events": 3}', 422),
        ('{"events": [], "also": 1}', 422),
        ("[[]]", 422),
        ("[null, 3]", 422),
        ("[" * 2000, 422),
    ],
)
async def test_what_is_no_batch_is_refused_and_nothing_written(
    data: Path, body: str, status: int
) -> None:
    async with connected(data) as client:
        answer = await client.post(
            "/v1/events",
            content=body.encode("latin-1"),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert rows(data, "events") == []


@pytest.mark.parametrize("content_type", [None, "text/html", "multipart/form-data", "image/png"])
async def test_another_type_is_refused(indexed: Path, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    async with connected(indexed) as client:
        answer = await client.post("/v1/events", content=b"[]", headers=headers)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


async def test_a_compressed_body_is_refused_by_name(indexed: Path) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    async with connected(indexed) as client:
        answer = await client.post("/v1/events", content=b"\x1f\x8b", headers=headers)
    assert answer.status_code == 415
    assert "compressed" in answer.json()["detail"]


async def test_too_many_at_once_are_refused(data: Path, product: str) -> None:
    chosen = EventSettings(batch_events=2)
    async with connected(data, events=chosen) as client:
        answer = await client.post("/v1/events", json=[event(product, n) for n in (1, 2, 3)])
    assert answer.status_code == 413
    assert "at most 2" in answer.json()["detail"]
    assert rows(data, "events") == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://shop:81"])
async def test_pages_of_other_sites_may_not_send_events(
    data: Path, product: str, origin: str
) -> None:
    async with connected(data) as client:
        answer = await client.post(
            "/v1/events",
            content=json.dumps([event(product)]),
            headers={"content-type": "text/plain", "origin": origin},
        )
    assert answer.status_code == 403
    assert rows(data, "events") == []


async def test_shoppers_need_no_key(data: Path, product: str) -> None:
    async with connected(data, api_keys=("secret",)) as client:
        answer = await client.post("/v1/events", json=[event(product)])
    assert answer.status_code == 202


async def test_when_the_disk_refuses_the_shop_is_told_to_come_again(
    data: Path, product: str
) -> None:
    (data / "events").write_text("a file where a directory has to be")
    async with connected(data) as client:
        answer = await client.post("/v1/events", json=[event(product, client_id="")])
        search = await client.get("/v1/search?q=mug&client_id=me")
        ready = (await client.get("/readyz")).json()
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert "nothing was kept" in answer.json()["detail"]
        assert search.status_code == 200
        assert "events" in ready["events"]
        (data / "events").unlink()
        again = await client.post("/v1/events", json=[event(product)])
        assert again.status_code == 202
        assert (await client.get("/readyz")).json()["events"].startswith("on")


async def test_events_can_be_turned_off(data: Path, product: str) -> None:
    async with connected(data, events=EventSettings(enabled=False)) as client:
        answer = await client.post("/v1/events", json=[event(product)])
        await client.get("/v1/search?q=mug")
        assert (await client.get("/readyz")).json()["events"] == "off"
    assert answer.status_code == 404
    assert "[events] enabled" in answer.json()["detail"]
    assert not (data / "events").exists()


async def test_a_proxy_may_say_who_the_client_is(data: Path, product: str) -> None:
    chosen = EventSettings(client_header="X-Visitor")
    headers = {"x-visitor": "from-the-proxy"}
    unnamed = event(product)
    del unnamed["client_id"]
    async with connected(data, events=chosen) as client:
        await client.post("/v1/events", json=[unnamed], headers=headers)
        await client.get("/v1/search?q=mug", headers=headers)
    [search], [done] = rows(data, "searches"), rows(data, "events")
    assert search["client"] == done["client"] != ""


async def test_before_there_is_an_index_events_are_kept_all_the_same(tmp_path: Path) -> None:
    async with connected(tmp_path) as client:
        answer = await client.post("/v1/events", json=[event("any")])
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert len(rows(tmp_path, "events")) == 1


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(value=JSON_VALUES)
def test_any_json_is_a_batch_or_is_refused(value: Any) -> None:
    try:
        records, broken = read_batch(json.dumps(value).encode())
    except BadInput:
        return
    assert [index for index, _ in records] == list(range(len(records)))
    assert broken == []


@given(lines=st.lists(st.binary(max_size=30), max_size=8))
def test_every_line_is_a_record_or_is_named(lines: list[bytes]) -> None:
    body = b"\n".join(lines)
    wanted = sum(bool(line.strip()) for line in body.splitlines())
    try:
        records, broken = read_batch(body, lines=True)
    except BadInput:
        return
    assert sorted([*(i for i, _ in records), *(b.index for b in broken)]) == list(range(wanted))


JSON = "application/json"
FIELDS = ("event_id", "action_name", "timestamp", "query_id", "client_id", "event_attributes")


@pytest.mark.slow
def test_every_event_of_a_batch_is_kept_refused_or_set_aside(data: Path, shop: Shop) -> None:
    ids = itertools.count()

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(spoiled=st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES), max_size=5))
    def check(spoiled: list[dict[str, Any]]) -> None:
        right = [event(shop.products[0].id, n + 1, event_id=f"e{next(ids)}") for n in range(5)]
        batch = [{**one, **each} for one, each in zip(right, spoiled, strict=False)]
        content = json.dumps(batch)
        answer = client.post("/v1/events", content=content, headers={"content-type": JSON})
        if answer.status_code in (202, 207):
            body = answer.json()
            kept = body["accepted"] + body["quarantined"]
            assert kept + len(body["errors"]) == len(batch)
            assert body["duplicates"] <= body["accepted"]  # which had been kept before
        else:
            assert answer.status_code in (400, 422)

    with TestClient(create_app(AppSettings(data=data))) as client:
        check()
