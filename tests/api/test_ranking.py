"""A ranking model from its file to the answer: over HTTP and from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from fixtures import Shop
from rankers import holder, load_model, model_checksum
from rankers.features import NAMES
from tests.api.conftest import connected
from tests.api.modeled import asked, assert_parity, modeled, patient, write_model

__all__ = ["modeled"]


@asynccontextmanager
async def following(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that looks for a new model all the time."""
    monkeypatch.setattr(holder, "POLL_SECONDS", 0.01)
    async with patient(data) as client:
        yield client


async def until_used(client: httpx.AsyncClient, version: str | None) -> None:
    for _ in range(1000):
        used = (await client.get("/readyz")).json()["model"]
        if (version is None and used is None) or (version and used and used.endswith(version)):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{version} was not taken up")


async def test_with_a_model_searches_are_ranked_unless_they_say_otherwise(modeled: Path) -> None:
    async with patient(modeled) as client:
        ready = (await client.get("/readyz")).json()
        ranked, hybrid = await asked(client, size=50), await asked(client, size=50, system="hybrid")
    model = load_model(modeled / "model.json")
    assert ready["model"] == f"noise {model_checksum(model)[:12]}"
    assert ready["fault"] is None
    assert ranked["system"] == "ranked"
    assert ranked["model"] == {"name": "noise", "version": model_checksum(model)[:12]}
    assert ranked["fallbacks"] == hybrid["fallbacks"] == ["no encoder: words only"]
    assert hybrid["model"] is None
    ids = [[hit["id"] for hit in body["hits"]] for body in (ranked, hybrid)]
    assert ids[0] != ids[1]
    assert sorted(ids[0]) == sorted(ids[1])


async def test_without_a_model_searches_are_hybrid(client: httpx.AsyncClient) -> None:
    body = await asked(client)
    assert body["system"] == "hybrid"
    assert body["model"] is None
    asked_for = await asked(client, system="ranked")
    assert "no ranking model: fused order" in asked_for["fallbacks"]
    assert [hit["id"] for hit in asked_for["hits"]] == [hit["id"] for hit in body["hits"]]


async def test_a_new_model_is_swapped_in_without_a_dropped_request(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [write_model(data / "model.json", seed) for seed in (1, 2)]
    async with following(data, monkeypatch) as client:
        seen: list[str] = []
        stop = asyncio.Event()

        async def shop_on() -> None:
            while not stop.is_set():
                body = await asked(client, size=5)
                assert body["fallbacks"] == ["no encoder: words only"]
                seen.append(body["model"]["version"])

        shoppers = [asyncio.create_task(shop_on()) for _ in range(4)]
        await asyncio.sleep(0.2)
        third = write_model(data / "model.json", 3)
        await until_used(client, third)
        await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*shoppers)
    assert seen[0] == versions[1]
    assert seen[-1] == third
    assert set(seen) == {versions[1], third}


async def test_a_broken_model_leaves_the_old_one_serving_and_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = write_model(data / "model.json")
    async with following(data, monkeypatch) as client:
        await until_used(client, version)
        raw = (data / "model.json").read_bytes()
        (data / "model.json").write_bytes(raw[: len(raw) // 2])
        for _ in range(500):
            ready = await client.get("/readyz")
            if ready.json()["fault"]:
                break
            await asyncio.sleep(0.01)
        assert ready.status_code == 200
        assert "ends before its end" in ready.json()["fault"]
        assert ready.json()["model"] == f"noise {version}"
        assert (await asked(client))["model"]["version"] == version
        (data / "model.json").unlink()
        await until_used(client, None)
        assert (await asked(client))["system"] == "hybrid"


async def test_pages_go_on_in_one_order_though_the_model_is_replaced(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(data / "model.json", 1)
    async with following(data, monkeypatch) as client:
        whole = [hit["id"] for hit in (await asked(client, size=60))["hits"]]
        page = await asked(client, size=20)
        await until_used(client, write_model(data / "model.json", 2))
        found = [hit["id"] for hit in page["hits"]]
        while page["cursor"] and len(found) < 60:
            page = await asked(client, size=20, cursor=page["cursor"])
            found += [hit["id"] for hit in page["hits"]]
    assert found[:60] == whole


async def test_no_model_file_can_be_named_over_http(
    modeled: Path, client: httpx.AsyncClient
) -> None:
    for path in (modeled / "model.json", "model.json"):
        answer = await client.get("/v1/search", params={"q": "kettle", "system": f"ltr:{path}"})
        assert answer.status_code == 422
        posted = await client.post("/v1/search", json={"q": "a", "system": "ltr:model.json"})
        assert posted.status_code == 422


async def test_reasons_sum_to_the_score_and_the_greatest_come_first(modeled: Path) -> None:
    async with patient(modeled) as client:
        body = await asked(client, explain="true", size=100)
        assert all(hit["reasons"] is None for hit in (await asked(client))["hits"])
    explained = [hit["reasons"] for hit in body["hits"][:50]]
    assert all(hit["reasons"] is None for hit in body["hits"][50:])
    for reasons in explained:
        added = [each["contribution"] for each in reasons["features"]]
        assert sum(added) + reasons["base"] == pytest.approx(reasons["score"], abs=1e-6)
        assert [abs(each) for each in added] == sorted(map(abs, added), reverse=True)
        assert {each["feature"] for each in reasons["features"]} == set(NAMES)
    scores = [reasons["score"] for reasons in explained]
    assert scores == sorted(scores, reverse=True)


async def test_features_and_scores_are_those_of_training_bit_for_bit(
    modeled: Path, shop: Shop
) -> None:
    texts = ["steel kettle", "kettle under $30", "lamp without shade", "blue", "kettel"]
    await assert_parity(modeled, [*texts, shop.products[3].title])


async def test_changed_products_have_the_same_features_in_both_too(data: Path) -> None:
    write_model(data / "model.json", depth=50)
    changes = [
        {"op": "upsert", "product": {"id": "new", "title": "steel kettle of today", "price": 9.5}},
    ]
    async with connected(data) as client:
        done = await client.post("/v1/products", json={"changes": changes})
        if done.status_code != 200:
            pytest.fail(done.text)
    await assert_parity(data, ["steel kettle", "kettle of today"])
