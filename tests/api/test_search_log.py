"""Searches in the event log: each page that a shopper was shown, once, with what was shown."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.search_log import new_query_id, sampled
from api.settings import EventSettings
from search.settings import LimitSettings
from tests.api.conftest import connected, served
from tests.api.logged import rows
from tests.api.modeled import modeled, write_model

__all__ = ["modeled"]

PATIENT = LimitSettings(stage_seconds=60)


async def search(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get("/v1/search", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert answer.headers["x-query-id"] == body["query_id"]
    return body


async def test_an_answered_search_is_logged_as_it_was_shown(data: Path) -> None:
    async with connected(data) as client:
        body = await search(
            client, q="Mug ", client_id="me", session_id="visit 1", application="app", size=5
        )
    [row] = rows(data, "searches")
    assert row["search_id"] == body["query_id"]
    assert row["query"] == "Mug "
    assert row["normalized"] == body["query"]["normalized"] == "mug"
    assert row["products"] == [hit["id"] for hit in body["hits"]]
    assert (row["first"], row["total"]) == (1, body["total"])
    assert (row["snapshot"], row["system"]) == (body["version"], body["system"])
    assert (row["session"], row["application"]) == ("visit 1", "app")
    assert row["client"] not in ("", "me")
    assert row["features"] is None


async def test_a_query_id_is_a_uuid_of_version_7_unless_given(client: httpx.AsyncClient) -> None:
    made = [uuid.UUID((await search(client, q="mug"))["query_id"]) for _ in range(2)]
    assert [each.version for each in made] == [7, 7]
    assert made[0] != made[1]
    given = await client.post("/v1/search", json={"q": "mug", "query_id": "shop:4711"})
    assert given.json()["query_id"] == given.headers["x-query-id"] == "shop:4711"


@pytest.mark.parametrize("query_id", ["", "a b", "x" * 101, "é", "a\nb", '"'])
async def test_a_query_id_that_no_header_can_hold_is_refused(
    client: httpx.AsyncClient, query_id: str
) -> None:
    answer = await client.get("/v1/search", params={"q": "mug", "query_id": query_id})
    assert answer.status_code == 422
    assert answer.json()["field"] == "query_id"


@pytest.mark.parametrize("name", ["client_id", "session_id", "application"])
async def test_names_of_a_visit_have_at_most_a_hundred_characters(
    client: httpx.AsyncClient, name: str
) -> None:
    assert (await search(client, q="mug", **{name: "é" * 100}))["query_id"]
    answer = await client.get("/v1/search", params={"q": "mug", name: "x" * 101})
    assert (answer.status_code, answer.json()["field"]) == (422, name)


@pytest.mark.parametrize("given", [{}, {"query_id": "x" * 100}])
async def test_later_pages_belong_to_the_search_of_the_first(
    data: Path, given: dict[str, str]
) -> None:
    async with connected(data) as client:
        first = await search(client, size=4, **given)
        second = await search(client, size=4, cursor=first["cursor"])
        third = await search(client, size=4, cursor=second["cursor"], **given)
    assert first["query_id"] == second["query_id"] == third["query_id"]
    logged = rows(data, "searches", "first")
    assert [row["first"] for row in logged] == [1, 5, 9]
    pages = [[hit["id"] for hit in page["hits"]] for page in (first, second, third)]
    assert [row["products"] for row in logged] == pages


async def test_what_else_decided_the_order_is_said(data: Path) -> None:
    async with connected(data) as client:
        await search(client, q="mug", sort="price_asc", **{"filter.price": "1.."})
        await search(client, q="mug")
    sorted_, plain = (row["attributes"] for row in rows(data, "searches"))
    assert '"sort":"price_asc"' in sorted_
    assert '"filters":["price"]' in sorted_
    assert "sort" not in plain


async def test_a_search_without_results_is_logged(data: Path) -> None:
    async with connected(data) as client:
        await search(client, q="qqqqqqqq", system="bm25")
    [row] = rows(data, "searches")
    assert (row["products"], row["total"]) == ([], 0)


async def test_what_no_shopper_sees_is_not_logged(data: Path) -> None:
    async with connected(data) as client:
        hit = (await search(client, q="mug", log="false"))["hits"][0]
        await search(client, q="mug", size=0)
        await client.get("/v1/suggest?q=mu&products=true")
        await client.get(f"/v1/products/{hit['id']}/similar")
        await client.post("/v1/rules/preview", json={"search": {"q": "mug"}, "rules": {}})
        refused = await client.get("/v1/search?q=mug&sort=none")
        assert refused.status_code == 422
    assert rows(data, "searches") == []


async def test_the_features_of_every_hit_are_logged_as_the_model_saw_them(
    modeled: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(modeled, data, ignore=shutil.ignore_patterns("events"))
    version = write_model(data / "model.json", depth=3)
    async with connected(data, limits=PATIENT) as client:
        body = await search(client, q="mug", size=5, explain="true")
    [row] = rows(data, "searches")
    names = row["feature_names"]
    features = np.array(row["features"], np.float32).reshape(len(row["products"]), len(names))
    assert row["model"] == version
    assert row["feature_version"]
    looked_at = 0
    for hit, values in zip(body["hits"], features, strict=True):
        if hit["reasons"] is None:
            assert np.isnan(values).all()
            continue
        looked_at += 1
        for reason in hit["reasons"]["features"]:
            logged = float(values[names.index(reason["feature"])])
            assert logged == pytest.approx(reason["value"], nan_ok=True) or (
                np.isnan(logged) and reason["value"] is None
            )
    assert looked_at == 3


async def test_features_can_be_left_out(modeled: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(modeled, data, ignore=shutil.ignore_patterns("events"))
    async with connected(data, limits=PATIENT, events=EventSettings(feature_share=0)) as client:
        await search(client, q="mug")
    [row] = rows(data, "searches")
    assert row["model"]
    assert (row["features"], row["feature_names"]) == (None, [])


async def test_searches_that_cannot_be_kept_are_counted_and_answered(data: Path) -> None:
    (data / "events").write_text("a file where a directory has to be")
    async with connected(data) as client:
        await search(client, q="mug")
        for _ in range(100):
            metrics = (await client.get("/metrics")).text
            ready = (await client.get("/readyz")).json()["events"]
            if "aisle_searches_not_logged 1.0" in metrics:
                break
            await asyncio.sleep(0.05)
    assert "aisle_searches_not_logged 1.0" in metrics
    assert ready.startswith("on; not logged")


async def test_logged_searches_are_counted(data: Path) -> None:
    async with connected(data) as client:
        await search(client, q="mug")
        await search(client, q="mug", log="false")
        metrics = (await client.get("/metrics")).text
    assert "aisle_searches_logged_total 1.0" in metrics


@pytest.mark.slow
def test_every_worker_logs_beside_the_others(data: Path) -> None:
    with served(data, "--workers", "2") as (url, _):
        ids = {httpx.get(f"{url}/v1/search?q=mug").json()["query_id"] for _ in range(30)}
        event = {"action_name": "purchase", "timestamp": "2020-01-01T00:00:00Z"}
        assert httpx.post(f"{url}/v1/events", json=[event]).json()["quarantined"] == 1
    assert {row["search_id"] for row in rows(data, "searches")} == ids
    writers = {path.name.split("-")[1] for path in (data / "events" / "segments").glob("*.log")}
    assert len(writers) == 2


@given(st.integers(2, 50))
def test_ids_made_later_sort_later(count: int) -> None:
    made = [new_query_id() for _ in range(count)]
    times = [each[:13] for each in made]
    assert times == sorted(times)
    assert len(set(made)) == count
    assert {uuid.UUID(each).variant for each in made} == {uuid.RFC_4122}


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_stated_share_of_searches_is_sampled(share: float) -> None:
    taken = sum(sampled(f"query-{n}", share) for n in range(4000)) / 4000
    assert taken == pytest.approx(share, abs=0.03)
