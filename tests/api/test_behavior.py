"""What shoppers did lately reaches the ranking of a running server, and the log."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest

from rankers.behavior import DAYS, BehaviorStore, publish
from search.settings import LimitSettings
from tests.api.conftest import connected
from tests.api.logged import rows
from tests.api.modeled import modeled

__all__ = ["modeled"]

FEATURE = "clicks_7_days"
PATIENT = LimitSettings(stage_seconds=60)


def behavior(product: str, clicks: float) -> BehaviorStore:
    """One product, seen 100 times in each span of days."""
    counts = np.zeros((len(DAYS), 4, 1), np.float32)
    counts[:, 0], counts[:, 1] = 100, clicks
    return BehaviorStore(1.7e9, (product,), counts, np.full((len(DAYS), 3), 0.1), {"mug": 0.25})


async def value_of(client: httpx.AsyncClient, data: Path, product: str) -> float:
    """The logged feature of the product for a search that shows it."""
    answer = await client.get("/v1/search", params={"q": "mug", "filter.id": product})
    body = answer.json()
    assert [hit["id"] for hit in body["hits"]] == [product]
    for _ in range(100):
        found = [row for row in rows(data, "searches") if row["search_id"] == body["query_id"]]
        if found:
            return float(found[0]["features"][found[0]["feature_names"].index(FEATURE)])
        await asyncio.sleep(0.05)
    pytest.fail("the search was not logged")


@pytest.mark.slow
async def test_what_shoppers_did_is_a_feature_from_the_moment_it_is_published(
    modeled: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(modeled, data, ignore=shutil.ignore_patterns("events"))
    async with connected(data, limits=PATIENT) as client:
        ready = (await client.get("/readyz")).json()
        assert ready["model"]
        assert ready["behavior"] is None
        found = (await client.get("/v1/search?q=mug&log=false")).json()["hits"]
        product = found[0]["id"]
        assert np.isnan(await value_of(client, data, product))
        version = await asyncio.to_thread(publish, behavior(product, clicks=50), data)
        await asyncio.sleep(1.1)
        # (50 clicks + 20 average impressions' 0.1) / (100 impressions + 20)
        assert await value_of(client, data, product) == pytest.approx(52 / 120, rel=1e-5)
        assert (await client.get("/readyz")).json()["behavior"] == version
