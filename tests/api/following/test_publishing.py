"""Changes that a server is sent, on their way over a topic: acknowledged, in order, never lost in
silence."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from api.settings import AppSettings
from search.errors import BadInput
from tests.api.conftest import connected
from tests.api.following.flow import (
    SHOP,
    Topic,
    catalogue,
    drain,
    following,
    index,
    make_topic,
    patch,
    settings_of,
    upsert,
)
from tests.engines.kafka import KafkaBroker


@pytest.fixture
async def topic(kafka: KafkaBroker) -> Topic:
    return await make_topic(kafka, 3)


def published(topic: Topic, **kafka: Any) -> dict[str, Any]:
    chosen = settings_of(Path())
    return {
        "catalogue": chosen.catalogue.model_copy(update={"publish": topic.url}),
        "kafka": chosen.kafka.model_copy(update=kafka),
        "meaning": chosen.meaning,
        "understanding": chosen.understanding,
    }


@pytest.mark.kafka
async def test_a_server_sends_on_what_it_is_sent(topic: Topic, fast_path: Path) -> None:
    index(fast_path)
    batch = [upsert("a"), patch("a", price=2.0), upsert("b", colour="red"),
             {"op": "delete", "id": "p0"}, {"id": "c", "title": "plain row"}]  # fmt: skip
    async with connected(fast_path, **published(topic)) as client:
        answer = await client.post("/v1/products", json={"changes": batch})
        assert answer.status_code == 202
        body = answer.json()
        assert (body["topic"], body["accepted"]) == (topic.name, 4)
        assert [(fault["index"], fault["field"]) for fault in body["errors"]] == [
            (2, "product.colour")
        ]
        assert (await client.get("/v1/products/a")).status_code == 404  # not here yet
        one = await drain(fast_path, topic)
        assert one.follower.totals["records"] == 4
        for place in body["positions"]:
            reached = one.told("applied")[-1]["positions"][str(place["partition"])]
            assert reached == place["offset"] + 1
        await asyncio.sleep(0.5)
        assert (await client.get("/v1/products/a")).json()["price"] == 2.0
        metrics = (await client.get("/metrics")).text
        assert "aisle_catalogue_lag 0.0" in metrics
        fresh = next(line for line in metrics.splitlines()
                     if line.startswith("aisle_catalogue_freshness_seconds "))  # fmt: skip
        assert 0.0 < float(fresh.split()[1]) < 30.0
    assert set(catalogue(fast_path)) == {*SHOP, "a", "c"} - {"p0"}


@pytest.mark.kafka
async def test_a_replica_sends_on_what_it_could_not_apply(topic: Topic, fast_path: Path) -> None:
    index(fast_path / "data")
    shared = {"location": str(fast_path / "shared"), "role": "replica"}
    (fast_path / "shared").mkdir()
    async with connected(fast_path / "data", artifacts=shared, **published(topic)) as client:
        answer = await client.post("/v1/products", json={"changes": [upsert("a")]})
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


@pytest.mark.kafka
async def test_nothing_usable_and_too_much_are_refused(topic: Topic, fast_path: Path) -> None:
    index(fast_path)
    chosen = published(topic)
    chosen["catalogue"] = chosen["catalogue"].model_copy(update={"record_bytes": 2_000})
    async with connected(fast_path, **chosen) as client:
        long = upsert("long", description="x" * 3_000)
        for changes in ([{"op": "merge", "id": "a"}], [long]):
            answer = await client.post("/v1/products", json={"changes": changes})
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["remedy"]
        answer = await client.post("/v1/products", json={"changes": [long, upsert("a")]})
        assert answer.status_code == 202
        assert answer.json()["errors"][0]["reason"].startswith("is too large")
        assert (await client.post("/v1/products", json={"no": 1})).status_code == 422


@pytest.mark.kafka
@pytest.mark.slow
async def test_brokers_that_keep_silent_are_answered_with_503_and_when_to_come_again(
    topic: Topic, kafka: KafkaBroker, fast_path: Path
) -> None:
    index(fast_path)
    async with connected(fast_path, **published(topic, timeout_seconds=1.0)) as client:
        kafka.pause()
        try:
            started = time.monotonic()
            answer = await client.post("/v1/products", json={"changes": [upsert("a")]})
            assert time.monotonic() - started < 4.0
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["type"] == "urn:aisle:problem:catalogue-away"
            assert (await client.get("/v1/search?q=kettle")).json()["total"] == len(SHOP)
        finally:
            kafka.resume()
        for _ in range(20):
            answer = await client.post("/v1/products", json={"changes": [upsert("a")]})
            if answer.status_code == 202:
                break
        assert answer.status_code == 202
        async with following(fast_path, topic) as one:
            await one.until(lambda: "a" in catalogue(fast_path))


@pytest.mark.parametrize("url", ["kafka://host/topic", "host:9092/topic", "kafka://host:9092",
                                 "kafka://host:9092/a/b", "kafka://host:99999/a"])  # fmt: skip
async def test_what_names_no_topic_is_refused_at_the_start(url: str, fast_path: Path) -> None:
    index(fast_path)
    with pytest.raises((BadInput, ValueError), match=r"publish|names no topic"):
        async with connected(fast_path, catalogue={"publish": url}):
            pass


def test_settings_name_the_topic() -> None:
    settings = AppSettings(catalogue={"publish": "kafka://a:9092,b:9093/shop.changes"})
    assert settings.catalogue.publish == "kafka://a:9092,b:9093/shop.changes"
