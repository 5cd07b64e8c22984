"""A load of searches while the index is made anew and swapped: no error, no empty page, and never
two versions in one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import connected
from tests.contracts.engines import EVERY
from tests.indexer.reindexing.conftest import OnServer, fast_path, on_server
from tests.indexer.reindexing.shop import lamps, reindexed, write_catalogue

__all__ = ["fast_path", "on_server"]
pytestmark = pytest.mark.slow
PAGE: dict[str, str | int] = {"q": "number", "size": 5, "facets": "brand", "system": "bm25"}


def check(answer: dict[str, Any]) -> tuple[str, str]:
    """Everything in an answer is of one catalogue; its version, and which that was."""
    assert len(answer["hits"]) == 5, answer
    (brand,) = {hit["brand"] for hit in answer["hits"]}
    assert all(brand.lower() in hit["title"] for hit in answer["hits"]), answer
    (facet,) = answer["facets"]
    (counted,) = facet["values"]
    assert (counted["value"], counted["count"]) == (brand, answer["total"]), answer
    assert not answer["fallbacks"]
    return answer["version"], brand


async def shopper(
    client: httpx.AsyncClient, stop: asyncio.Event, seen: set[tuple[str, str]]
) -> int:
    """Asks for a page and the one after it, over and over; how often."""
    asked = 0
    while not stop.is_set():
        first = (await client.get("/v1/search", params=PAGE)).raise_for_status().json()
        await asyncio.sleep(0.02)
        more = {**PAGE, "cursor": first["cursor"]}
        second = (await client.get("/v1/search", params=more)).raise_for_status().json()
        assert check(first) == check(second), "the second page is of another version"
        assert not {hit["id"] for hit in first["hits"]} & {hit["id"] for hit in second["hits"]}
        seen.add(check(first))
        asked += 2
    return asked


@pytest.mark.parametrize("engine", EVERY)
async def test_searches_go_on_while_the_index_is_swapped(
    engine: str, fast_path: Path, on_server: OnServer, tmp_path: Path
) -> None:
    settings = on_server(engine, fast_path)
    files = [
        write_catalogue(tmp_path / f"{word}.jsonl", lamps(40 + i, word))
        for i, word in enumerate(("kettle", "lamp", "torch"))
    ]
    versions = [reindexed(settings, files[0], vectors=False).version]
    stop, seen = asyncio.Event(), set[tuple[str, str]]()
    own = settings.model_dump(include={"engine", "server", "threads"}, exclude_unset=True)
    # A busy machine is slow, not wrong: without words there is nothing to compare.
    own["serving"] = {"deadline_seconds": 60.0}
    async with connected(fast_path, **own) as client:
        load = [asyncio.create_task(shopper(client, stop, seen)) for _ in range(4)]
        try:
            for file in files[1:]:
                made = await asyncio.to_thread(partial(reindexed, settings, file, vectors=False))
                versions.append(made.version)
                await until(partial(met, seen, made.version), load)
        finally:
            stop.set()
            asked = await asyncio.gather(*load)
    assert sum(asked) > 20
    # Each version is of one catalogue, and all of them were met.
    assert sorted(version for version, _ in seen) == sorted(versions)


def met(seen: set[tuple[str, str]], version: str) -> bool:
    return any(each == version for each, _ in seen)


async def until(holds: Callable[[], bool], load: list[asyncio.Task[int]]) -> None:
    for _ in range(600):
        if holds() or any(task.done() for task in load):
            return
        await asyncio.sleep(0.05)
