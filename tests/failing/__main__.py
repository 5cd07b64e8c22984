"""Prints the table of docs/failing.md: `python -m tests.failing`, with nothing else running; or
some of its rows: `python -m tests.failing opensearch --harms closed red`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

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
from tests.engines.small_disk import NOTICED_SOON, SmallDisk, small_disk
from tests.failing.load import Load
from tests.failing.scenarios import Outcome, Scenario, scenarios, suffer
from tests.failing.shop import index, running, settings

One = TypeVar("One", bound=Server)
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


@dataclass(frozen=True, slots=True)
class Stage:
    """Where servers are harmed; `harms` names those that are done, all if none."""

    encoder: OnnxEncoder
    ends: ExitStack
    harms: Collection[str]

    def place(self, name: str) -> Path:
        """A folder that goes at the end."""
        return self.ends.enter_context(temporary(name))

    def started(self, server: One) -> One:
        """The server, until the end."""
        self.ends.callback(server.kill)
        server.start()
        return server

    def searched(self, engine: str, server: SearchServer) -> None:
        """Words are on this server, which has a disk of its own where mounting is permitted."""
        disk = None
        with suppress(PermissionError):
            disk = self.ends.enter_context(small_disk(server.folder / "data", "64m"))
        asyncio.run(self._searched(engine, self.started(server), disk))
        server.kill()

    async def _searched(self, engine: str, server: SearchServer, disk: SmallDisk | None) -> None:
        with DelayingProxy(server.ports[0]) as proxy:
            chosen = settings(engine, proxy.url, self.place("data") / "own")
            name = index(chosen, self.encoder)
            await self._suffered(server, chosen, scenarios(server, proxy, name, disk))

    async def beside(self, server: Server, **more: Mapping[str, object]) -> None:
        """The server is none of words."""
        chosen = settings("embedded", "http://nowhere:1", self.place("data") / "own", **more)
        index(chosen, self.encoder)
        todo = {
            "paused": Scenario(server.pause, server.resume),
            "killed": Scenario(server.kill, server.start),
        }
        await self._suffered(server, chosen, todo)

    async def _suffered(
        self, server: Server, chosen: AppSettings, todo: Mapping[str, Scenario]
    ) -> None:
        async with running(chosen) as shop, Load(shop.client) as load:
            for name, scenario in todo.items():
                if self.harms and name not in self.harms:
                    continue
                await load.whole_again(60)
                await asyncio.sleep(1.0)
                outcome = await suffer(shop, load, scenario, patience=60)
                _say(_row(type(server).__name__, name, outcome))


def _opensearch(stage: Stage) -> None:
    folder = stage.place("opensearch") / "node"
    stage.searched("opensearch", OpenSearch(folder, require_opensearch(), NOTICED_SOON))


def _elasticsearch(stage: Stage) -> None:
    folder = stage.place("elasticsearch") / "node"
    stage.searched("elasticsearch", Elasticsearch(folder, require_elasticsearch(), NOTICED_SOON))


def _redis(stage: Stage) -> None:
    server = stage.started(RedisServer(stage.place("redis")))
    often = {"anonymous_rate": "100000/minute"}
    asyncio.run(stage.beside(server, redis={"url": server.url}, security=often))


def _kafka(stage: Stage) -> None:
    server = stage.started(KafkaBroker(stage.place("kafka"), require_kafka()))
    asyncio.run(stage.beside(server, events={"kafka": server.servers}))


_SERVERS: Mapping[str, Callable[[Stage], None]] = {
    "opensearch": _opensearch,
    "elasticsearch": _elasticsearch,
    "redis": _redis,
    "kafka": _kafka,
}


def main() -> None:
    """Starts one server after the other, and harms each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="*", choices=(*_SERVERS, []), help="all if none is named")
    parser.add_argument("--harms", nargs="+", default=(), help="as the table's second column")
    asked = parser.parse_args()
    encoder = ensure_encoder(Path(tempfile.gettempdir()) / "aisle-tests-0")
    _say(_line(_HEAD))
    _say(_line(("---",) * len(_HEAD)))
    with ExitStack() as ends:
        stage = Stage(encoder, ends, asked.harms)
        for name in asked.servers or _SERVERS:
            _SERVERS[name](stage)


if __name__ == "__main__":
    main()
