"""A shop whose words are on a server that can be harmed."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import httpx
import pytest

from api.app import create_app
from api.logs import quiet_clients
from api.settings import AppSettings
from fixtures import make_shop
from search.encoder import OnnxEncoder
from search.engines.server.naming import index_name
from tests.failing.load import served_without
from tests.search.engines.shops import build

PRODUCTS = 150
DEADLINE = 1.5
SLACK = 1.1
"""How far beyond the deadline the slowest hundredth may be."""


def settings(engine: str, url: str, data: Path, **more: Mapping[str, object]) -> AppSettings:
    """Of a shop with a deadline, and with little patience for changes."""
    server = {"url": url, "prefix": "failing", "change_seconds": 1.0, **more.pop("server", {})}
    serving = {"deadline_seconds": DEADLINE, "fold_after": 0}
    return AppSettings(
        data=data,
        engine=engine,
        threads=2,
        **{"server": server, "serving": serving, **more},  # type: ignore[arg-type]
    )


def index(chosen: AppSettings, encoder: OnnxEncoder) -> str:
    """Indexes the generated shop, words on the server and vectors here; the index's name."""
    products = make_shop(products=PRODUCTS).products
    (chosen.data / "encoders").mkdir(parents=True)
    (chosen.data / "encoders" / "test").symlink_to(encoder.directory)
    vectors = encoder.encode([product.title for product in products])
    server = chosen.server
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AISLE_ENGINE", chosen.engine)
        patched.setenv("AISLE_SERVER__URL", server.url or "")
        patched.setenv("AISLE_SERVER__PREFIX", server.prefix)
        patched.setenv("AISLE_SERVER__SHARDS", str(server.shards))
        patched.setenv("AISLE_SERVER__REPLICAS", str(server.replicas))
        version = build(chosen.data, products, vectors)
    return index_name(server.prefix, version)


@dataclass(frozen=True, slots=True)
class Running:
    """A shop that answers."""

    client: httpx.AsyncClient

    async def states(self) -> dict[str, float]:
        """The states of all breakers, by what is behind them."""
        lines = (await self.client.get("/metrics")).text.splitlines()
        found = (each.split() for each in lines if each.startswith("aisle_breaker_state{"))
        return {line[0].split('"')[1]: float(line[-1]) for line in map(_joined, found)}

    async def away(self) -> list[str]:
        """What `/readyz` says is away."""
        found: list[str] = (await self.client.get("/readyz")).json()["away"]
        return found


def _joined(parts: list[str]) -> tuple[str, str]:
    """A sample's name, which may hold spaces, and its value."""
    return " ".join(parts[:-1]), parts[-1]


@asynccontextmanager
async def running(chosen: AppSettings) -> AsyncIterator[Running]:
    """Serves from this process, warmed up."""
    quiet_clients()
    app = create_app(chosen)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop", timeout=60) as client,
    ):
        until = time.monotonic() + 20
        while found := without(await client.get("/v1/search?q=lamp")):
            assert time.monotonic() < until, f"the shop does not answer: {found}"
        yield Running(client)


def without(answer: httpx.Response) -> str:
    """What an answer did without, besides a model, which this shop has none of."""
    if answer.status_code != 200:
        return answer.text
    return ", ".join(served_without(answer.json()["fallbacks"]))


def ask(url: str, method: str, path: str, body: Any = None) -> Any:
    """Blocking: a request to a server's own API; the decoded answer."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url + path, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def block(url: str, index: str, name: str, on: bool) -> None:
    """Blocking: sets or takes away a block (`write`, or `read_only_allow_delete` as the flood stage
    of a full disk sets it)."""
    ask(url, "PUT", f"/{index}/_settings", {f"index.blocks.{name}": True if on else None})


def close(url: str, index: str) -> None:
    """Blocking: closes an index, as an administrator may."""
    ask(url, "POST", f"/{index}/_close")


def reopen(url: str, index: str) -> None:
    """Blocking: opens it again."""
    ask(url, "POST", f"/{index}/_open")
