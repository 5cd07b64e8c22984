"""What each key may ask: counted together where there is Redis, alone while that is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.security.windows import LoopMemory
from api.settings import SecuritySettings
from search.errors import BadInput
from search.settings import RedisSettings
from tests.api.conftest import connected
from tests.api.security.conftest import bearer, make_key
from tests.engines.redis import RedisServer

HEALTHZ = "/v1/suggest?q=la"


async def ask(client: httpx.AsyncClient, secret: str, times: int) -> list[int]:
    answers = [await client.get(HEALTHZ, headers=bearer(secret)) for _ in range(times)]
    return [answer.status_code for answer in answers]


async def test_a_key_may_ask_so_often_and_is_told(data: Path) -> None:
    slow = make_key(data, "search", rate="3/minute;1000/hour")
    quick = make_key(data, "search", name="quick")
    async with connected(data, security=SecuritySettings(rate="100/second")) as client:
        first = await client.get(HEALTHZ, headers=bearer(slow))
        assert first.headers["ratelimit-policy"] == '"key";q=3;w=60'
        assert first.headers["ratelimit"] == '"key";r=2;t=60'
        assert await ask(client, slow, 3) == [200, 200, 429]
        refused = await client.get(HEALTHZ, headers=bearer(slow))
        assert refused.json()["type"] == "urn:aisle:problem:rate-limited"
        assert "3 requests in 60 seconds" in refused.json()["detail"]
        assert 55 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
        assert await ask(client, quick, 5) == [200] * 5
        assert (await client.get(HEALTHZ)).status_code == 200
        metrics = (await client.get("/metrics")).text
        assert 'aisle_requests_limited_total{key="shop"} 2.0' in metrics
        assert (await client.get("/healthz", headers=bearer(slow))).status_code == 200


async def test_the_window_moves(data: Path) -> None:
    secret = make_key(data, "search", rate="2/second")
    async with connected(data) as client:
        assert await ask(client, secret, 3) == [200, 200, 429]
        await asyncio.sleep(1.05)
        assert await ask(client, secret, 3) == [200, 200, 429]


async def test_who_has_no_key_is_counted_by_address(data: Path) -> None:
    secret = make_key(data, "search")
    async with connected(data, security=SecuritySettings(anonymous_rate="2/minute")) as client:
        answers = [(await client.get(HEALTHZ)).status_code for _ in range(3)]
        assert answers == [200, 200, 429]
        assert await ask(client, secret, 3) == [200] * 3


async def test_a_wrong_rate_is_refused_at_the_start(data: Path) -> None:
    with pytest.raises(BadInput, match="is no rate; write 100/second") as refused:
        async with connected(data, security=SecuritySettings(rate="fast")):
            pass
    assert refused.value.field == "security.rate"


async def test_memory_forgets_who_is_gone() -> None:
    now = 0.0
    memory = LoopMemory(lambda: now)
    for number in range(3000):
        assert await memory.acquire_entry(f"address:{number}", 1, 1)
    now = 10.0
    for number in range(3000):
        await memory.acquire_entry(f"later:{number}", 1, 1)
    assert len(memory) <= 3000 + 1


@asynccontextmanager
async def replicas(data: Path, server: RedisServer) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two processes' worth of the application, which share Redis and nothing in memory."""
    settings: dict[str, Any] = {
        "redis": RedisSettings(
            url=server.url, timeout_seconds=0.3, prefix=f"rates-{time.monotonic_ns()}"
        ),
        "security": SecuritySettings(store="data"),
    }
    async with connected(data, **settings) as one, connected(data, **settings) as two:
        yield [one, two]


async def local(client: httpx.AsyncClient, wanted: float) -> None:
    """Waits until rates are counted alone (1) or together (0)."""
    for _ in range(400):
        if f"aisle_rate_limits_local {wanted}" in (await client.get("/metrics")).text:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"aisle_rate_limits_local did not become {wanted}")


async def test_replicas_count_together(data: Path, redis: RedisServer) -> None:
    secret = make_key(data, "search", rate="4/minute")
    async with replicas(data, redis) as (one, two):
        assert await ask(one, secret, 2) == [200, 200]
        assert await ask(two, secret, 3) == [200, 200, 429]
        assert await ask(one, secret, 1) == [429]


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["kill", "pause"])
async def test_without_redis_each_counts_for_itself_until_it_is_back(
    data: Path, redis: RedisServer, harm: str
) -> None:
    secret = make_key(data, "search", rate="4/minute")
    async with replicas(data, redis) as (one, two):
        assert await ask(one, secret, 4) == [200] * 4
        redis.kill() if harm == "kill" else redis.pause()
        try:
            since = time.monotonic()
            assert await ask(one, secret, 5) == [200] * 4 + [429]
            assert await ask(two, secret, 5) == [200] * 4 + [429]
            assert time.monotonic() - since < 2 * 0.3 + 1.0, "only the first one waits"
            await local(one, 1.0)
            assert (await one.get("/readyz")).status_code == 200
        finally:
            redis.start() if harm == "kill" else redis.resume()
        await local(one, 0.0)
        await local(two, 0.0)
        # What was counted together is known again: the append-only file had it.
        assert await ask(two, secret, 1) == [429]
