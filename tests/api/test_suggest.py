"""Suggestions over HTTP: what is answered, what is refused, and what an index without them says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

import api.suggest
from api.settings import AppSettings
from fixtures import Shop
from indexer.build import Products, build_index
from search.settings import MeaningSettings, UnderstandingSettings
from tests.api.conftest import connected


async def suggest(client: httpx.AsyncClient, **parameters: Any) -> dict[str, Any]:
    answer = await client.get("/v1/suggest", params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_completions_are_marked_and_say_what_they_find(indexed: Path) -> None:
    async with connected(indexed) as client:
        body = await suggest(client, q="ket", size=5)
        assert body["query"] == "ket"
        assert 0 < len(body["suggestions"]) <= 5
        first = body["suggestions"][0]
        assert first["text"].lower().startswith("ket")
        assert first["highlight"].lower().startswith("<mark>ket</mark>tle")
        assert first["products"] > 0
        assert body["products"] == []
        found = await client.get("/v1/search", params={"q": first["text"], "size": 0})
        assert body["version"] == found.json()["version"]
        assert "note" not in body or body["note"] is None


async def test_every_suggestion_finds_products_within_its_category(indexed: Path) -> None:
    async with connected(indexed) as client:
        for typed in ("k", "la", "steel ", "cop", "bag fo"):
            for entry in (await suggest(client, q=typed))["suggestions"]:
                asked = {"q": entry["text"], "system": "bm25", "size": 1}
                if entry["category"]:
                    asked["filter.category"] = entry["category"]
                answer = (await client.get("/v1/search", params=asked)).json()
                assert answer["hits"], entry


async def test_products_of_the_best_suggestion_come_when_asked_for(indexed: Path) -> None:
    async with connected(indexed) as client:
        body = await suggest(client, q="ket", products="true")
        assert 1 <= len(body["products"]) <= 4
        shown = body["products"][0]
        assert set(shown) == {"id", "title", "price", "currency", "image"}
        assert "kettle" in shown["title"].lower()


async def test_words_do_not_wait_for_slow_products(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: Any) -> None:
        await asyncio.sleep(5)

    async with connected(indexed) as client:
        await suggest(client, q="ket")
        monkeypatch.setattr(api.suggest, "PRODUCTS_SECONDS", 0.01)
        monkeypatch.setattr("search.build.Search.search", slow)
        answer = await client.get("/v1/suggest", params={"q": "ket", "products": "true"})
        body = answer.json()
        assert body["suggestions"]
        assert body["products"] == []
        assert "too long" in body["note"]
        assert answer.headers["cache-control"] == "no-store"


async def test_answers_may_be_kept_shortly_and_say_how_long_they_took(indexed: Path) -> None:
    async with connected(indexed) as client:
        answer = await client.get("/v1/suggest", params={"q": "ket"})
        assert answer.headers["cache-control"] == "public, max-age=60"
        assert "suggest;dur=" in answer.headers["server-timing"]
        answer = await client.get("/v1/suggest", params={"q": "ket", "recent": "tea"})
        assert answer.headers["cache-control"] == "private, max-age=60"


async def test_what_was_looked_for_before_comes_sooner(indexed: Path) -> None:
    async with connected(indexed) as client:
        plain = [s["text"] for s in (await suggest(client, q="c", size=50))["suggestions"]]
        after = await suggest(client, q="c", size=50, recent=["coffee maker", "Kitchen"])
        moved = [s["text"] for s in after["suggestions"]]
        first = next(i for i, text in enumerate(plain) if "coffee" in text.lower())
        assert next(i for i, text in enumerate(moved) if "coffee" in text.lower()) <= first
        assert moved != plain


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("prefix=k", "prefix"),
        ("q=a&q=b", "q"),
        ("q=k&size=51", "size"),
        ("q=k&size=ten", "size"),
        ("q=k&products=yes", "products"),
        (f"q={'k' * 513}", "q"),
        ("&".join(["q=k", *["recent=a"] * 11]), "recent"),
        (f"recent={'k' * 513}", "recent"),
        (f"session={'k' * 201}", "session"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_name(
    indexed: Path, query: str, field: str
) -> None:
    async with connected(indexed) as client:
        answer = await client.get(f"/v1/suggest?{query}")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["field"] == field


@pytest.mark.parametrize(
    "typed", ["", " ", "?!", "k" * 512, "a b c d e f g h i j k", "\x00", "ü漢字"]
)
async def test_odd_input_gets_a_valid_answer(indexed: Path, typed: str) -> None:
    async with connected(indexed) as client:
        body = await suggest(client, q=typed, products="true")
        assert isinstance(body["suggestions"], list)


async def test_an_index_without_suggestions_says_so(tmp_path: Path, shop: Shop) -> None:
    none = MeaningSettings(encoder="none")
    learned = UnderstandingSettings(enabled=False)
    settings = AppSettings(data=tmp_path, meaning=none, understanding=learned)
    build_index(Products(shop.products[:20]), settings)
    async with connected(tmp_path) as client:
        body = await suggest(client, q="ket")
        assert body["suggestions"] == []
        assert "index the catalogue again" in body["note"]


async def test_a_new_snapshot_brings_its_own_suggestions(data: Path, shop: Shop) -> None:
    async with connected(data) as client:
        assert (await suggest(client, q="ket"))["suggestions"]
        settings = AppSettings(data=data, meaning=MeaningSettings(encoder="none"))
        lamps = [p for p in shop.products if "lamp" in p.title.lower()]
        build_index(Products(lamps), settings)
        for _ in range(100):
            if not (await suggest(client, q="kettle"))["suggestions"]:
                break
            await asyncio.sleep(0.05)
        assert not (await suggest(client, q="kettle"))["suggestions"]
        assert (await suggest(client, q="lam"))["suggestions"]
