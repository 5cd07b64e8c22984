"""Changes over HTTP: who may make them, what becomes of them, and when they are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import connected

KETTLE = {"op": "upsert", "product": {"id": "new-1", "title": "Zorbulator kettle", "price": 10}}


async def change(client: httpx.AsyncClient, *changes: object, **headers: str) -> httpx.Response:
    return await client.post("/v1/products", json={"changes": changes}, headers=headers)


async def test_changes_are_seen_by_the_next_search(data: Path) -> None:
    async with connected(data) as client:
        added = await change(client, KETTLE)
        assert added.status_code == 200
        assert added.json() | {"version": ""} == {
            **{"version": "", "upserted": 1, "patched": 0, "deleted": 0},
            **{"missing": [], "errors": []},
        }
        found = (await client.get("/v1/search?q=zorbulator")).json()
        assert [hit["id"] for hit in found["hits"]] == ["new-1"]
        assert found["version"] == added.json()["version"]

        patch = {
            "op": "patch",
            "id": "new-1",
            "fields": {"price": 8.5, "list_price": 9, "stock": 0},
        }
        assert (await change(client, patch)).json()["patched"] == 1
        product = (await client.get("/v1/products/new-1")).json()
        assert (product["price"], product["list_price"], product["stock"]) == (8.5, 9, 0)
        assert (await client.get("/v1/search?q=zorbulator&filter.price=9..")).json()["total"] == 0

        assert (await change(client, {"op": "delete", "id": "new-1"})).json()["deleted"] == 1
        assert (await client.get("/v1/products/new-1")).status_code == 404
        assert (await client.get("/v1/search?q=zorbulator")).json()["hits"] == []


async def test_the_good_part_of_a_batch_is_applied_and_the_bad_explained(data: Path) -> None:
    bad = {"op": "upsert", "product": {"id": "new-2", "title": "X", "price": -1}}
    async with connected(data) as client:
        answer = await change(client, bad, KETTLE, {"op": "delete", "id": "never-was"})
        assert (await client.get("/v1/products/new-1")).status_code == 200
        assert (await client.get("/v1/products/new-2")).status_code == 404
    body = answer.json()
    assert answer.status_code == 207
    assert body["upserted"] == 1
    assert body["missing"] == ["never-was"]
    [error] = body["errors"]
    assert (error["index"], error["field"]) == (0, "product.price")
    assert error["reason"]
    assert error["remedy"]


async def test_a_batch_without_a_good_change_changes_nothing(data: Path) -> None:
    async with connected(data) as client:
        before = (await client.get("/readyz")).json()["version"]
        answer = await change(client, {"op": "explode"}, 7)
        assert (await client.get("/readyz")).json()["version"] == before
    assert answer.status_code == 422
    assert [error["index"] for error in answer.json()["errors"]] == [0, 1]


@pytest.mark.parametrize(
    ("body", "status"),
    [("{}", 422), ('{"changes": []}', 422), ('{"changes": 3}', 422), ("[]", 422), ("{", 400),
     ('{"changes": [{"op": "delete", "id": "a"}], "also": 1}', 422)],
)  # fmt: skip
async def test_a_body_of_another_form_is_refused(indexed: Path, body: str, status: int) -> None:
    async with connected(indexed) as client:
        answer = await client.post(
            "/v1/products", content=body, headers={"content-type": "application/json"}
        )
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_changes_must_be_declared_as_json(data: Path, content_type: str | None) -> None:
    """A browser sends any page's body of these types, or of none, without asking first."""
    body = b'{"changes": [{"op": "upsert", "product": {"id": "new-1", "title": "Kettle"}}]}'
    headers = {} if content_type is None else {"content-type": content_type}
    async with connected(data) as client:
        answer = await client.post("/v1/products", content=body, headers=headers)
        assert (await client.get("/v1/products/new-1")).status_code == 404
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://shop", 200),
        ("https://SHOP", 200),
        ("http://shop:8080", 403),
        ("http://evil.example", 403),
        ("http://shop.evil.example", 403),
        ("http://[", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_pages_of_other_sites_may_not_write(data: Path, origin: str, status: int) -> None:
    async with connected(data) as client:
        answer = await change(client, KETTLE, origin=origin)
        read = await client.post("/v1/search", json={"q": "lamp"}, headers={"origin": origin})
        written = (await client.get("/v1/products/new-1")).status_code == 200
    assert answer.status_code == status
    assert written == (status == 200)
    assert read.status_code == 200
    if status == 403:
        assert answer.json()["type"] == "urn:aisle:problem:cross-origin"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Basic b3Blbg=="}, 401),
        ({"authorization": "Bearer wrong"}, 403),
        ({"x-api-key": "first "}, 200),
        ({"authorization": "Bearer second"}, 200),
    ],
)
async def test_writes_need_a_key_when_one_is_set(
    data: Path, headers: dict[str, str], status: int
) -> None:
    async with connected(data, api_keys="first,second") as client:
        answer = await change(client, KETTLE, **headers)
        assert (await client.get("/v1/search")).status_code == 200
        written = (await client.get("/v1/products/new-1")).status_code == 200
    assert answer.status_code == status
    assert written == (status == 200)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_keys_are_shown_nowhere(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    settings: dict[str, Any] = {"api_keys": "hush-hush"}
    async with connected(data, **settings) as client:
        refused = await change(client, KETTLE, **{"x-api-key": "other-secret"})
        taken = await change(client, KETTLE, **{"x-api-key": "hush-hush"})
        metrics = await client.get("/metrics")
    logged = repr([record.__dict__ for record in caplog.records])
    for text in (refused.text, taken.text, metrics.text, logged):
        assert "hush-hush" not in text
        assert "other-secret" not in text


async def test_a_disk_that_refuses_is_a_507_and_serving_goes_on(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with connected(data) as client:
        with monkeypatch.context() as patched:
            patched.setattr("os.fsync", full)
            refused = await change(client, KETTLE)
        assert refused.status_code == 507
        assert "the disk is full" in refused.json()["detail"]
        assert (await client.get("/v1/products/new-1")).status_code == 404
        assert (await client.get("/v1/search?q=lamp")).status_code == 200
        assert (await change(client, KETTLE)).status_code == 200
