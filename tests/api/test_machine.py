"""What `/metrics` tells of the machine, of caches and of what shoppers do."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import httpx

from api.metrics import Metrics
from fixtures import Shop
from tests.api.conftest import connected


async def told(client: httpx.AsyncClient, name: str) -> float:
    text = (await client.get("/metrics")).text
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, flags=re.MULTILINE)
    assert found is not None, f"{name} is not told"
    return float(found[1])


async def test_memory_and_disk_are_told(data: Path) -> None:
    async with connected(data) as client:
        assert 2e7 < await told(client, "aisle_memory_bytes") < 2e10
        room = await told(client, "aisle_disk_bytes")
        assert room == shutil.disk_usage(data).total
        assert 0 < await told(client, "aisle_disk_free_bytes") < room


async def test_what_shoppers_do_is_counted_by_kind_and_of_kept_events_alone(
    data: Path, shop: Shop
) -> None:
    def event(number: int, action: str, product: str) -> dict[str, object]:
        return {
            "event_id": f"e{number}",
            "action_name": action,
            "timestamp": datetime.now(UTC).isoformat(),
            "query_id": "q1",
            "session_id": "s1",
            "event_attributes": {
                "object": {"object_id": product},
                "position": {"ordinal": number + 1},
            },
        }

    product = shop.products[0].id
    actions = ("click", "click", "add_to_cart", "wave")
    batch = [event(number, action, product) for number, action in enumerate(actions)]
    async with connected(data) as client:
        # One that is refused is no click.
        broken = {**event(9, "click", product), "timestamp": "yesterday"}
        assert (await client.post("/v1/events", json=[*batch, broken])).status_code == 207
        counts = {
            action: await told(client, f'aisle_shopper_actions_total{{action="{action}"}}')
            for action in ("click", "add_to_cart", "other")
        }
    assert counts == {"click": 2, "add_to_cart": 1, "other": 1}


def test_a_cache_that_is_made_anew_does_not_count_back() -> None:
    metrics = Metrics()
    for asked, found in ((10, 4), (15, 8), (3, 1)):
        metrics.looked_up("query_vectors", asked, found)
    labels = {"cache": "query_vectors"}
    assert metrics.registry.get_sample_value("aisle_cache_lookups_total", labels) == 18
    assert metrics.registry.get_sample_value("aisle_cache_hits_total", labels) == 9
