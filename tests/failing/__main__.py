"""Prints the table of docs/failing.md: `python -m tests.failing`, with nothing else running."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from api.settings import AppSettings
from indexer.encoder_export import ensure_encoder
from search.encoder import OnnxEncoder
from tests.engines.elasticsearch import Elasticsearch, require_elasticsearch
from tests.engines.kafka import KafkaBroker, require_kafka
from tests.engines.opensearch import OpenSearch, require_opensearch
from tests.engines.processes import Server, temporary
from tests.engines.proxy import DelayingProxy
from tests.engines.redis import RedisServer
from tests.engines.search_server import SearchServer
from tests.failing.load import Load
from tests.failing.scenarios import Outcome, Scenario, scenarios, suffer
from tests.failing.shop import index, running, settings

_HEAD = (
    "server",
    "what happens",
    "answers",
    "done without",
    "p50, p99 ms",
    "changes",
    "whole again",
)


def _row(server: str, name: str, outcome: Outcome) -> str:
    told = outcome.told
    without = "; ".join(f"{text} ({count})" for text, count in told.fallbacks.most_common())
    refused = [f"{count} refused with {status}" for status, count in outcome.refused.items()]
    cells = (
        server,
        name,
        ", ".join(f"{count} of {status}" for status, count in told.statuses.items()),
        without or "nothing",
        f"{told.quantile(0.5) * 1000:.0f}, {told.quantile(0.99) * 1000:.0f}",
        ", ".join([f"{outcome.taken} taken", *refused, f"{len(outcome.lost)} lost"]),
        f"after {outcome.recovered:.1f} s",
    )
    return _line(cells)


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _suffered(server: str, chosen: AppSettings, todo: Mapping[str, Scenario]) -> None:
    async with running(chosen) as shop, Load(shop.client) as load:
        for name, scenario in todo.items():
            await load.whole_again(60)
            await asyncio.sleep(1.0)
            _say(_row(server, name, await suffer(shop, load, scenario)))


async def _searched(engine: str, server: SearchServer, encoder: OnnxEncoder, data: Path) -> None:
    with DelayingProxy(server.ports[0]) as proxy:
        chosen = settings(engine, proxy.url, data)
        name = index(chosen, encoder)
        await _suffered(type(server).__name__, chosen, scenarios(server, proxy, name))


async def _beside(server: Server, encoder: OnnxEncoder, data: Path, **more: Mapping) -> None:  # type: ignore[type-arg]
    chosen = settings("embedded", "http://nowhere:1", data, **more)
    index(chosen, encoder)
    todo = {
        "paused": Scenario(server.pause, server.resume),
        "killed": Scenario(server.kill, server.start),
    }
    await _suffered(type(server).__name__, chosen, todo)


def main() -> None:
    """Starts one server after the other, and harms each."""
    encoder = ensure_encoder(Path(tempfile.gettempdir()) / "aisle-tests-0")
    _say(_line(_HEAD))
    _say(_line(("---",) * len(_HEAD)))
    with ExitStack() as ends:

        def place(name: str) -> Path:
            return ends.enter_context(temporary(name))

        def started(server: Server) -> Server:
            ends.callback(server.kill)
            server.start()
            return server

        opensearch = OpenSearch(place("opensearch"), require_opensearch())
        started(opensearch)
        asyncio.run(_searched("opensearch", opensearch, encoder, place("data") / "own"))
        opensearch.kill()
        elasticsearch = Elasticsearch(place("elasticsearch"), require_elasticsearch())
        started(elasticsearch)
        asyncio.run(_searched("elasticsearch", elasticsearch, encoder, place("data") / "own"))
        elasticsearch.kill()
        redis = started(RedisServer(place("redis")))
        often = {"anonymous_rate": "100000/minute"}
        shared = {"url": redis.url}
        asyncio.run(_beside(redis, encoder, place("data") / "own", redis=shared, security=often))
        kafka = KafkaBroker(place("kafka"), require_kafka())
        started(kafka)
        logged = {"kafka": kafka.servers}
        asyncio.run(_beside(kafka, encoder, place("data") / "own", events=logged))


if __name__ == "__main__":
    main()
