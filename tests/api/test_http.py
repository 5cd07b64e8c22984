"""The HTTP interface over a real index, in this process."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from api.settings import ServingSettings
from fixtures import Shop
from tests.api.conftest import connected

Client = httpx.AsyncClient


async def test_a_search_answers_with_products_and_how_it_understood(client: Client) -> None:
    answer = await client.get("/v1/search", params={"q": "Steel  KETTLE", "size": 5})
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert body["query"]["terms"] == ["steel", "kettle"]
    assert [hit["position"] for hit in body["hits"]] == [1, 2, 3, 4, 5]
    assert all("kettle" in str(hit).lower() for hit in body["hits"][:1])
    assert set(body["hits"][0]) == {
        *("id", "title", "brand", "category", "price", "currency", "rating", "rating_count"),
        *("list_price", "color", "image", "stock", "attributes", "group", "position", "score"),
        *("highlights", "variants", "why", "reasons", "sponsored", "moves"),
        *("before", "behind", "reading"),
    }
    assert set(body) == {
        *(
            "query",
            "understanding",
            "hits",
            "total",
            "total_exact",
            "facets",
            "cursor",
            "version",
            "system",
            "rules",
            "redirect",
        ),
        *("relaxation", "fallbacks", "timings_ms", "model", "cross_encoder", "query_id"),
    }
    assert body["fallbacks"] == ["no encoder: words only"]


async def test_get_and_post_answer_alike(client: Client) -> None:
    by_query = await client.get("/v1/search?q=mug&filter.price=..30&facets=brand&size=3&query_id=a")
    by_json = await client.post(
        "/v1/search",
        json={"q": "mug", "filters": [{"name": "price", "high": 30}], "facets": ["brand"],
              "size": 3, "query_id": "a"},
    )  # fmt: skip
    one, other = by_query.json(), by_json.json()
    one.pop("timings_ms")
    other.pop("timings_ms")
    assert one == other


async def test_filters_hold_for_every_hit(client: Client, shop: Shop) -> None:
    brand = shop.products[0].brand or ""
    root = shop.products[0].category[0]
    answer = await client.get(
        "/v1/search", params={"filter.brand": brand, "filter.category": root, "size": 50}
    )
    hits = answer.json()["hits"]
    wanted = {p.id for p in shop.products if p.brand == brand and p.category[0] == root}
    assert {hit["id"] for hit in hits} == wanted


async def test_pages_neither_repeat_nor_skip(client: Client, shop: Shop) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"size": "37", "sort": "price_asc"} | ({"cursor": cursor} if cursor else {})
        body = (await client.get("/v1/search", params=params)).json()
        seen += [hit["id"] for hit in body["hits"]]
        if (cursor := body["cursor"]) is None:
            break
    assert sorted(seen) == sorted(product.id for product in shop.products)


async def test_a_product_and_what_is_not_one(client: Client, shop: Shop) -> None:
    product = shop.products[3]
    found = await client.get(f"/v1/products/{product.id}")
    assert found.json()["title"] == product.title
    assert found.headers["x-index-version"]
    missing = await client.get("/v1/products/none%2Fsuch")
    assert missing.status_code == 404
    assert missing.json()["detail"] == "no product has the id 'none/such'"


@pytest.mark.slow
async def test_similar_products_are_near_in_meaning(encoded: Path, shop: Shop) -> None:
    product = shop.products[0]
    async with connected(encoded) as client:
        found = (await client.get(f"/v1/products/{product.id}/similar?size=4")).json()
        alike = (await client.get("/v1/search", params={"q": product.title})).json()
        missing = await client.get("/v1/products/none/similar")
    assert len(found["hits"]) == 4
    assert product.id not in {hit["id"] for hit in found["hits"]}
    assert any(hit["category"] == list(product.category) for hit in found["hits"])
    assert alike["fallbacks"] == []
    assert "meaning" in alike["timings_ms"]
    assert missing.status_code == 404


async def test_stages_are_timed_in_the_header(client: Client) -> None:
    answer = await client.get("/v1/search?q=lamp")
    stages = dict(re.findall(r"(\w+);dur=[\d.]+()", answer.headers["server-timing"]))
    assert stages.keys() == answer.json()["timings_ms"].keys() >= {"words", "fuse", "page", "total"}


@pytest.mark.parametrize(
    ("method", "target", "status", "field"),
    [
        ("GET", "/v1/search?siez=3", 422, "siez"),
        ("GET", "/v1/search?size=x", 422, "size"),
        ("GET", "/v1/search?q=" + "x" * 10_000, 422, "q"),
        ("GET", "/v1/search?system=magic", 422, "system"),
        ("GET", "/v1/search?cursor=abc", 422, "cursor"),
        ("GET", "/v1/search?facets=nonsense", 422, None),
        ("GET", "/v1/search?filter.attributes.nonsense=1", 422, None),
        ("GET", "/v1/products/P1?x=1", 422, "x"),
        ("GET", "/v1/products/P1/similar?size=-1", 422, "size"),
        ("GET", "/nowhere", 404, None),
        ("GET", "/v1", 404, None),
        ("PUT", "/v1/search", 405, None),
        ("DELETE", "/healthz", 405, None),
    ],
)
async def test_every_error_is_a_problem(
    client: Client, method: str, target: str, status: int, field: str | None
) -> None:
    answer = await client.request(method, target)
    body = answer.json()
    assert answer.status_code == body["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"].startswith("urn:aisle:problem:")
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == target.partition("?")[0]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert field is None or body["field"] == field


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b'{"q": 3}', "application/json", 422),
        (b'{"x": 3}', "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
    ],
)
async def test_a_bad_body_is_a_problem(
    client: Client, body: bytes, content_type: str, status: int
) -> None:
    answer = await client.post("/v1/search", content=body, headers={"content-type": content_type})
    assert answer.status_code == answer.json()["status"] == status


@pytest.mark.parametrize(
    "text",
    ["👟👟", "a\x00b", "\u202eevil", "שולחן עץ", "电水壶", "'; DROP TABLE products; --", "*:*",
     'title:"x" AND (', "{}[]^~\\/+-!", "a" * 512, " ", "NaN", "é" * 256, "\ufffe", "%00%ff"],
)  # fmt: skip
async def test_any_text_may_be_searched(client: Client, text: str) -> None:
    for sort in ("relevance", "price_asc"):
        answer = await client.get(
            "/v1/search", params={"q": text, "sort": sort, "highlight": "1", "facets": "default"}
        )
        assert answer.status_code == 200, answer.text


async def test_the_methods_of_a_path_are_named(client: Client) -> None:
    answer = await client.delete("/v1/search")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


async def test_a_sane_request_id_is_kept_and_another_replaced(client: Client) -> None:
    kept = await client.get("/healthz", headers={"x-request-id": "shop-1.a"})
    made = await client.get("/healthz", headers={"x-request-id": 'x" onload="'})
    assert kept.headers["x-request-id"] == "shop-1.a"
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["x-request-id"])


async def test_every_response_tells_browsers_to_be_careful(client: Client) -> None:
    for target in ("/", "/v1/search", "/nowhere"):
        headers = (await client.get(target)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


async def test_without_an_index_the_server_lives_and_says_what_to_do(tmp_path: Path) -> None:
    serving = ServingSettings(retry_after_seconds=7)
    async with connected(tmp_path / "none", serving=serving) as client:
        assert (await client.get("/healthz")).status_code == 200
        for target in ("/readyz", "/v1/search?q=x", "/v1/products/a"):
            answer = await client.get(target)
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "7"
            assert "aisle index" in answer.json()["detail"]
        assert "aisle_ready 0.0" in (await client.get("/metrics")).text


async def test_an_index_that_appears_is_opened(indexed: Path, tmp_path: Path) -> None:
    async with connected(tmp_path / "data") as client:
        (tmp_path / "data").symlink_to(indexed)
        for _ in range(50):
            if (await client.get("/readyz")).status_code == 200:
                break
            await asyncio.sleep(0.1)
        body = (await client.get("/readyz")).json()
    assert body["status"] == "ready"
    assert body["products"] == 400


async def test_a_damaged_index_is_a_503_that_names_the_part(data: Path) -> None:
    [snapshot] = (data / "snapshots").iterdir()
    part = next(snapshot.glob("columns/*.npy"))
    part.write_bytes(part.read_bytes()[:-1])
    async with connected(data) as client:
        answer = await client.get("/v1/search")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:aisle:problem:index-corrupt"
    assert part.name in answer.json()["detail"]


async def test_metrics_count_what_happened(client: Client) -> None:
    await client.get("/v1/search?q=lamp")
    await client.get("/v1/search?q=lamp&siez=1")
    await client.get("/v1/search?filter.price=..0.001")
    text = (await client.get("/metrics")).text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines['aisle_requests_total{method="GET",route="/v1/search",status="200"}'] == "2.0"
    assert lines['aisle_requests_total{method="GET",route="/v1/search",status="422"}'] == "1.0"
    assert lines['aisle_request_seconds_count{route="/v1/search"}'] == "3.0"
    assert lines['aisle_stage_seconds_count{stage="words"}'] == "2.0"
    assert lines['aisle_fallbacks_total{fallback="no encoder: words only"}'] == "1.0"
    assert lines["aisle_searches_without_hits_total"] == "1.0"
    assert lines["aisle_index_products"] == "400.0"
    assert lines["aisle_ready"] == "1.0"
    assert lines["aisle_requests_in_flight"] == "1.0"
    assert float(lines["aisle_index_age_seconds"]) < 3600


async def test_a_search_is_one_line_in_the_log_without_secrets(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "aisle.access")
    answer = await client.get("/v1/search?q=lamp", headers={"authorization": "Bearer hush"})
    [record] = [r for r in caplog.records if r.name == "aisle.access"]
    facts: dict[str, Any] = record.__dict__
    assert facts["query"] == "lamp"
    assert facts["status"] == 200
    assert facts["request_id"] == answer.headers["x-request-id"]
    assert facts["total"] == answer.json()["total"]
    assert facts["version"] == answer.json()["version"]
    assert facts["stages_ms"].keys() == answer.json()["timings_ms"].keys()
    assert "hush" not in repr(facts)


async def test_a_defect_is_a_problem_that_tells_nothing_of_the_inside(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(response: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr("api.handlers.search_body", broken)
    answer = await client.get("/v1/search?q=lamp")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:aisle:problem:internal"
    assert "inside" not in answer.text
    assert answer.json()["request_id"] in {getattr(r, "request_id", "") for r in caplog.records}


async def test_numbers_json_cannot_hold_become_null() -> None:
    from api.responses import to_json

    assert orjson.loads(to_json({"score": float("nan"), "far": float("inf")})) == {
        "score": None,
        "far": None,
    }
