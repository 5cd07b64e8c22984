"""What can happen to a server, and what the shop's answers say while it does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.engines.processes import HOST
from tests.engines.proxy import DelayingProxy
from tests.engines.search_server import SearchServer
from tests.engines.small_disk import SmallDisk
from tests.failing.load import Load, Told
from tests.failing.shop import Running, ask, block, close, reopen

Action = Callable[[], object]
AWAY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done to a server, and undone; both block."""

    harm: Action
    heal: Action


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen: of the answers while the server was away, of the states at the end of that
    time, and how many seconds after it was back an answer was whole."""

    told: Told
    away: tuple[str, ...]
    states: Mapping[str, float]
    refused: Counter[int]
    taken: int
    lines: tuple[str, ...]
    recovered: float
    lost: tuple[str, ...]


def scenarios(
    server: SearchServer, proxy: DelayingProxy, index: str, disk: SmallDisk | None = None
) -> dict[str, Scenario]:
    """All of a single server behind a proxy, which may have a disk of its own."""
    url = server.url

    def slow() -> None:
        proxy.delay = 1.0

    def again() -> None:
        server.start()
        server.wait_for("yellow")

    return {
        "paused": Scenario(server.pause, server.resume),
        "slow": Scenario(slow, proxy.pass_on),
        "cut": Scenario(proxy.refuse, proxy.pass_on),
        "another product": _another_product(proxy),
        "full": _blocked(url, index, "read_only_allow_delete"),
        "read-only": _blocked(url, index, "write"),
        "closed": Scenario(lambda: close(url, index), lambda: reopen(url, index)),
        "red": _without_shards(server, index),
        "killed": Scenario(server.kill, again),
        **({"disk full": Scenario(disk.fill, disk.free)} if disk else {}),
    }


def _blocked(url: str, index: str, name: str) -> Scenario:
    return Scenario(
        lambda: block(url, index, name, on=True), lambda: block(url, index, name, on=False)
    )


def _without_shards(server: SearchServer, index: str) -> Scenario:
    """The index is there, and its shards are not: red, as when their node has lost its disk."""
    shards: list[Path] = []
    aside = server.folder / "data" / "aside"  # on the same disk

    def lose() -> None:
        name = ask(server.url, "GET", f"/{index}/_settings")[index]["settings"]["index"]["uuid"]
        server.kill()
        shards[:] = server.folder.glob(f"**/indices/{name}/0")
        shards[0].rename(aside)
        server.start()

    def find() -> None:
        server.kill()
        aside.rename(shards[0])
        server.start()
        server.wait_for("yellow")

    return Scenario(lose, find)


class _Stranger(BaseHTTPRequestHandler):
    """Answers everything, as no search server would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Says hello."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b'{"hello": "you"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


def _another_product(proxy: DelayingProxy) -> Scenario:
    stranger = ThreadingHTTPServer((HOST, 0), _Stranger)
    stranger.daemon_threads = True
    Thread(target=stranger.serve_forever, daemon=True).start()
    return Scenario(lambda: proxy.lead_to(stranger.server_port), lambda: proxy.lead_to(proxy.first))


class _Lines(logging.Handler):
    """What the log says of what is away."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


async def suffer(shop: Running, load: Load, scenario: Scenario, patience: float = 20) -> Outcome:
    """Has a server harmed under load for a while, and waits until answers are whole again, at most
    `patience` seconds."""
    heard = _Lines()
    log = logging.getLogger("search")
    log.addHandler(heard)
    await asyncio.to_thread(scenario.harm)
    load.refused.clear()
    since, before = time.monotonic(), len(load.taken)
    try:
        await asyncio.sleep(AWAY_SECONDS)
        away, states = tuple(await shop.away()), await shop.states()
        refused, taken = Counter(load.refused), len(load.taken) - before
        await asyncio.to_thread(scenario.heal)
        told = Told([each for each in load.answers if each.at - each.seconds > since])
        recovered = await load.whole_again(patience)
    finally:
        log.removeHandler(heard)
    lost = tuple(await load.lost())
    return Outcome(told, away, states, refused, taken, tuple(heard.lines), recovered, lost)
