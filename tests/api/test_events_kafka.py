"""Events over HTTP into a real Kafka broker, and by `aisle events pull` into the log."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest

from api.cli import run
from api.kafka_settings import KafkaSettings
from api.settings import EventSettings, load_settings
from fixtures import Shop
from search.errors import BadInput
from tests.api.conftest import connected
from tests.api.logged import rows
from tests.api.test_events import event
from tests.engines.kafka import KafkaBroker
from training.events.broker import Broker, at


@pytest.fixture
def chosen(kafka: KafkaBroker) -> dict[str, Any]:
    name = uuid4().hex
    topics = KafkaSettings(
        events_topic=f"e-{name}", searches_topic=f"s-{name}", timeout_seconds=20.0
    )
    return {"events": EventSettings(kafka=kafka.servers), "kafka": topics}


def url(settings: dict[str, Any]) -> str:
    topics: KafkaSettings = settings["kafka"]
    servers = settings["events"].kafka
    return f"kafka://{servers}/{topics.events_topic},{topics.searches_topic}"


def pull(data: Path, source: str, capfd: pytest.CaptureFixture[str]) -> Any:
    capfd.readouterr()
    assert run(["events", "pull", "--from", source, "--data", str(data), "--json"]) == 0
    return orjson.loads(capfd.readouterr().out.strip().split("\n")[-1])


@pytest.mark.kafka
async def test_searches_and_events_go_through_kafka_into_the_log(
    data: Path, shop: Shop, chosen: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    product = shop.products[0].id
    async with connected(data, **chosen) as client:
        found = await client.get("/v1/search?q=mug&client_id=browser-1&query_id=q1")
        sent = await client.post("/v1/events", json=[event(product), event("no-such", 2)])
        assert (await client.get("/readyz")).json()["events"] == "on"
    assert (found.status_code, sent.status_code) == (200, 202)
    assert (sent.json()["accepted"], sent.json()["quarantined"]) == (1, 1)
    assert rows(data, "events") == []  # a server keeps nothing but its salts
    done = await in_thread(pull, data, url(chosen), capfd)
    assert (done["searches"], done["events"], done["quarantined"], done["lag"]) == (1, 1, 1, 0)
    [search], [click] = rows(data, "searches"), rows(data, "events")
    assert (search["search_id"], search["query"], click["event_id"]) == ("q1", "mug", "e1")
    assert search["client"] == click["client"] != ""
    assert (await in_thread(pull, data, url(chosen), capfd))["records"] == 0


@pytest.mark.kafka
async def test_a_silent_broker_is_answered_with_503_and_when_to_come_again(
    data: Path, shop: Shop, chosen: dict[str, Any], kafka: KafkaBroker
) -> None:
    product = shop.products[0].id
    topics = chosen["kafka"].model_copy(update={"timeout_seconds": 1.0})
    async with connected(data, events=chosen["events"], kafka=topics) as client:
        kafka.pause()
        try:
            started = time.monotonic()
            answer = await client.post("/v1/events", json=[event(product)])
            assert time.monotonic() - started < 4.0
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
            assert "send the events again later" in answer.json()["detail"]
            assert (await client.get("/v1/search?q=mug")).status_code == 200
            assert "Kafka" in (await client.get("/readyz")).json()["events"]
        finally:
            kafka.resume()
        for _ in range(20):
            answer = await client.post("/v1/events", json=[event(product)])
            if answer.status_code == 202:
                break
        assert answer.status_code == 202
        assert (await client.get("/readyz")).json()["events"] == "on"


async def in_thread(call: Any, *given: Any) -> Any:
    return await asyncio.to_thread(call, *given)


@pytest.mark.parametrize(
    "source",
    ["localhost:9092", "kafka://", "kafka://host", "kafka://host:0", "kafka://host:99999",
     "kafka://host:9092/one", "kafka://host:9092/a,b,c", "http://host:9092"],
)  # fmt: skip
def test_what_is_no_cluster_is_refused(
    source: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["events", "pull", "--from", source, "--data", str(tmp_path)]) == 2
    assert "kafka://HOST:PORT" in capfd.readouterr().err


def test_a_pull_needs_a_cluster(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["events", "pull", "--data", str(tmp_path)]) == 2
    assert "[events] kafka" in capfd.readouterr().err


def test_a_cluster_that_is_away_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = "kafka://127.0.0.1:9"
    assert run(["events", "pull", "--from", source, "--data", str(tmp_path)]) == 1
    assert "Kafka at 127.0.0.1:9 cannot be reached" in capfd.readouterr().err


def test_a_url_names_brokers_and_topics() -> None:
    broker = at(Broker("x:1", password="p"), "kafka://a:9092,b.example:19092/clicks,queries")
    assert broker.servers == "a:9092,b.example:19092"
    assert (broker.events_topic, broker.searches_topic) == ("clicks", "queries")
    assert at(Broker("x:1", "e", "s"), "kafka://a:9092/").events_topic == "e"
    assert "'p'" not in repr(broker)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"events": {"kafka": "localhost"}}, "events.kafka"),
        ({"kafka": {"events_topic": "a b"}}, "kafka.events_topic"),
        ({"kafka": {"security": "SASL_SSL", "username": "me"}}, "kafka"),
        ({"kafka": {"security": "TLS"}}, "kafka.security"),
        ({"kafka": {"password": "a", "password_file": "b"}}, "kafka"),
    ],
)
def test_settings_that_cannot_be_used_are_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_settings(**given)
    assert caught.value.field == field


async def test_a_password_file_or_certificate_that_is_missing_is_named(
    tmp_path: Path, indexed: Path
) -> None:
    secret = {"security": "SASL_PLAINTEXT", "username": "me"}
    for more, name in (
        ({**secret, "password_file": tmp_path / "none"}, "password_file"),
        ({"security": "SSL", "ca_file": tmp_path / "none.pem"}, "ca_file"),
    ):
        with pytest.raises(BadInput, match=name):
            async with connected(
                indexed, events=EventSettings(kafka="127.0.0.1:9"), kafka=KafkaSettings(**more)
            ):
                pass
