"""The compose file's services as real processes with its own configuration files: a shop of two
replicas behind nginx, on Redis, Kafka and Elasticsearch, watched by Prometheus."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.settings import AppSettings
from fixtures import make_shop
from indexer.artifacts import Pusher
from indexer.build import Products, build_index
from search.settings import MeaningSettings
from tests.deploy.files import dashboard_queries, mounted_file, nested, settings_of
from tests.deploy.stack import (
    Aisle,
    ComposedElasticsearch,
    ComposedKafka,
    ComposedRedis,
    Stack,
)
from tests.deploy.test_kubernetes import adapter_rules
from tests.deploy.test_secrets import make as make_secrets
from tests.engines.elasticsearch import require_elasticsearch
from tests.engines.kafka import require_kafka
from tests.engines.nginx import Nginx, require_nginx
from tests.engines.processes import Server, temporary
from tests.engines.prometheus import Prometheus, require_prometheus
from tests.engines.redis import require_redis

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.elasticsearch]
PRODUCTS = 200


@dataclass
class Running:
    """The whole stack."""

    stack: Stack
    replicas: tuple[Aisle, Aisle]
    redis: ComposedRedis
    kafka: ComposedKafka
    elasticsearch: ComposedElasticsearch
    nginx: Nginx
    prometheus: Prometheus

    def get(self, path: str) -> httpx.Response:
        """Through nginx."""
        return httpx.get(self.nginx.url + path, timeout=20)

    def access_log(self) -> list[dict[str, Any]]:
        """What nginx logged, for the replicas."""
        lines = [line for line in self.nginx.log.splitlines() if line.startswith('{"time"')]
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """All of it, started side by side."""
    require_redis()
    require_nginx()
    require_prometheus()
    jars, home = require_kafka(), require_elasticsearch()
    with temporary("stack") as folder, ExitStack() as ends:
        stack = Stack(folder)
        make_secrets(stack.secrets)
        (folder / "redis").mkdir()
        redis = ComposedRedis(folder / "redis", stack.secrets)
        kafka = ComposedKafka(folder / "kafka", jars)
        elasticsearch = ComposedElasticsearch(folder / "elasticsearch", home, stack.secrets)
        for place, server in (
            ("redis:6379", redis),
            ("kafka:9092", kafka),
            ("elasticsearch:9200", elasticsearch),
        ):
            launch(server, ends)
            stack.at(place, server.ports[0])
        for one in (redis, kafka, elasticsearch):
            one.wait()
        publish(stack)
        replicas = (replica(stack, "api-1"), replica(stack, "api-2"))
        for number, each in enumerate(replicas, 1):
            launch(each, ends)
            stack.at(f"api-{number}:8000", each.ports[0])
        proxy = Nginx(folder / "nginx", nginx_config(stack))
        prometheus = Prometheus(folder / "prometheus", prometheus_config(stack))
        launch(proxy, ends)
        launch(prometheus, ends)
        for another in (*replicas, proxy, prometheus):
            another.wait()
        yield Running(stack, replicas, redis, kafka, elasticsearch, proxy, prometheus)


def launch(server: Server, ends: ExitStack) -> None:
    """Starts it, to be killed in the end."""
    ends.callback(server.kill)
    server.launch()


def publish(stack: Stack) -> None:
    """The writer's part, with the settings of the service that indexes: a small shop, on
    Elasticsearch and sent to where replicas fetch it."""
    given = settings_of(stack.environment("index"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AISLE_SECRETS", str(stack.secrets / "aisle"))
        own = {"data": stack.folder / "catalogue", "meaning": MeaningSettings(encoder="none")}
        settings = AppSettings(**{**nested(given), **own})
    build_index(Products(make_shop(products=PRODUCTS).products), settings)
    Pusher(settings).push()


def replica(stack: Stack, service: str) -> Aisle:
    """As the image starts it: the Dockerfile's command, with the compose file's environment."""
    arguments = ("serve", "--data", str(stack.folder / service))
    environment = stack.environment(service)
    return Aisle(stack.folder / f"{service}-log", arguments, environment, "/readyz")


def nginx_config(stack: Stack) -> str:
    """The compose file's, with the replicas' addresses; one directive is the test's own."""
    text = mounted_file("nginx", "/etc/nginx/nginx.conf").read_text()
    text = stack.local(text).replace(" resolve ", " ").replace("listen 8080", "listen PORT")
    return text.replace("pid /tmp/nginx.pid;", "").replace("/tmp/", str(stack.folder / "nginx-"))


def prometheus_config(stack: Stack) -> Path:
    """The compose file's, with the replicas' addresses, looking each second."""
    (stack.folder / "prometheus").mkdir()
    path = stack.folder / "prometheus" / "prometheus.yml"
    text = mounted_file("prometheus", "/etc/prometheus/prometheus.yml").read_text()
    text = re.sub(r"(interval|timeout): \d+s", r"\1: 1s", stack.local(text))
    path.write_text(text)
    (path.parent / "rules").symlink_to(mounted_file("prometheus", "/etc/prometheus/rules"))
    return path


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return found


def test_both_replicas_answer_through_nginx(running: Running) -> None:
    answers = [running.get("/v1/search?q=lamp") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json()["hits"] for answer in answers)
    asked = {line["replica"] for line in running.access_log() if line["path"] == "/v1/search"}
    assert asked == {f"127.0.0.1:{each.ports[0]}" for each in running.replicas}


def test_what_is_for_prometheus_alone_is_not_shown(running: Running) -> None:
    assert running.get("/metrics").status_code == 404
    assert running.get("/nginx-health").text == "alive\n"
    assert running.get("/readyz").status_code == 200
    page = running.get("/")
    assert page.headers["content-type"].startswith("text/html")
    linked = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', page.text)
    assert linked
    assert {running.get(each).status_code for each in linked} == {200}


def test_answers_are_compressed_and_pages_may_write_to_their_own_shop(running: Running) -> None:
    answer = running.get("/v1/search?q=lamp&size=20")
    assert answer.headers["content-encoding"] == "gzip"
    event = {"action_name": "view", "timestamp": "2026-01-01T00:00:00Z"}
    origin = {"Origin": running.nginx.url}
    sent = httpx.post(f"{running.nginx.url}/v1/events", json=event, headers=origin, timeout=20)
    assert sent.status_code != 403, sent.text


def test_prometheus_finds_every_replica_and_takes_every_rule(running: Running) -> None:
    prometheus = running.prometheus

    def up() -> list[Any]:
        found = prometheus.ask("query", query='up{job="aisle"} == 1')["result"]
        return found if len(found) == 2 else []

    wait_for(up)
    groups = wait_for(lambda: evaluated(prometheus.ask("rules")["groups"]))
    loaded = [rule for group in groups for rule in group["rules"]]
    assert [rule["name"] for rule in loaded if rule["health"] != "ok"] == []
    assert len(loaded) > 25


def evaluated(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups, once each of their rules was looked at; those with an interval wait for it."""
    often = [each for each in groups if each["interval"] <= 1]
    done = all(rule["health"] != "unknown" for each in often for rule in each["rules"])
    return often if often and done else []


def test_the_dashboards_queries_and_the_autoscalers_can_be_asked(running: Running) -> None:
    asked = dashboard_queries()
    for rule in adapter_rules():
        series = re.match(r"[\w:]+", rule["seriesQuery"])
        assert series is not None
        query = rule["metricsQuery"].replace("<<.Series>>", series[0])
        query = query.replace("<<.LabelMatchers>>", 'pod=~".*"').replace("<<.GroupBy>>", "pod")
        assert "<<" not in query
        asked.append(query)
    refused = {query: running.prometheus.ask("query", query=query) for query in asked}
    assert {query: said for query, said in refused.items() if "error" in said} == {}


def test_what_people_look_for_has_a_value(running: Running) -> None:
    def searched() -> None:
        for _ in range(3):
            running.get("/v1/search?q=lamp")

    for query in (
        "sum(job:aisle_searches:rate5m) > 0",
        "job:aisle_search_seconds:p99_5m > 0",
        "job:aisle_errors:ratio5m == 0",
        "instance:aisle_searches:rate1m > 0",
        "aisle_memory_bytes > 1e7",
        "aisle_disk_free_bytes < aisle_disk_bytes",
        "aisle_ready == 1",
        "aisle_index_products > 0",
    ):
        searched()
        wait_for(partial(found, running.prometheus, query))


def test_redis_wants_its_password_and_never_forgets_experiments(running: Running) -> None:
    from redis import AuthenticationError, Redis

    password = (running.stack.secrets / "redis" / "password").read_text().strip()
    with (
        Redis.from_url(running.redis.url) as stranger,
        pytest.raises(AuthenticationError),
    ):
        stranger.ping()
    with Redis.from_url(running.redis.url, password=password, decode_responses=True) as client:
        kept = client.config_get("*")
    assert kept["maxmemory-policy"] == "volatile-lru"
    assert int(kept["maxmemory"]) > 0
    assert kept["appendonly"] == "yes"


def test_elasticsearch_wants_its_password_over_tls(running: Running) -> None:
    server = running.elasticsearch
    known = server.headers()
    with httpx.Client(base_url=server.url, verify=server.context(), timeout=20) as client:
        assert client.get("/").status_code == 401
        assert client.get("/", headers=known).json()["cluster_name"] == "aisle"
        # It is what the replicas ask; and a misspelled name makes no index.
        assert client.get("/aisle-*/_count", headers=known).json()["count"] == PRODUCTS
        assert client.put("/misspelled/_doc/1", json={}, headers=known).status_code == 404


async def test_kafka_keeps_what_it_is_sent(running: Running) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=running.kafka.servers, acks="all")
    await producer.start()
    try:
        kept = await producer.send_and_wait("aisle.catalogue", b"{}", key=b"1")
    finally:
        await producer.stop()
    assert kept.offset >= 0


def found(prometheus: Prometheus, query: str) -> Any:
    return prometheus.ask("query", query=query)["result"]


def alerts_of(prometheus: Prometheus) -> dict[str, dict[str, Any]]:
    found = {each["labels"]["alertname"]: each for each in prometheus.ask("alerts")["alerts"]}
    return found if "AisleReplicaDown" in found else {}


def test_every_line_of_a_replicas_log_is_json_but_the_first(running: Running) -> None:
    first, *lines = running.replicas[1].log.splitlines()
    assert first.startswith("Aisle serves ")
    assert {"time", "level", "logger", "message"} <= set.intersection(
        *(set(json.loads(line)) for line in lines)
    )


def test_a_replica_that_dies_is_not_noticed_and_prometheus_says_so(running: Running) -> None:
    """The last test: it stays dead."""
    first, _ = running.replicas
    first.kill()
    answers = [running.get("/v1/search?q=lamp") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    pending = wait_for(lambda: alerts_of(running.prometheus))
    assert pending["AisleReplicaDown"]["labels"]["instance"].endswith(str(first.ports[0]))
    assert "AisleDown" not in pending
