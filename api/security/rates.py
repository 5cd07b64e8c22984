"""How often each key may ask: a moving window per key, in memory or shared through Redis.

While Redis is away each process counts for itself, so that nobody is let in without bound and
nobody waits: only requests that are asking Redis when it goes away wait for it, `timeout_seconds`
at most. Then the guard before it asks until it answers again.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from limits import RateLimitItem, parse_many
from limits.aio.strategies import MovingWindowRateLimiter

from api.errors import RateLimited
from api.metrics import Metrics
from api.security.keys import ApiKey, check_rate
from api.security.windows import LoopMemory
from api.settings import AppSettings
from search.errors import StorageFailed
from search.resilience import CLOSED, Guard, watching
from search.secrets import redis_options
from search.settings import RedisSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANONYMOUS = "anonymous"
REDIS = "redis"
"""The name of its breaker."""
_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Taken:
    """What is left after a request, as `RateLimit` headers say it (draft-ietf-httpapi-ratelimit-
    headers-10): `left` of `amount` requests in `window` seconds, more in `reset` seconds."""

    allowed: bool
    amount: int
    window: int
    left: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """The two headers."""
        return {
            "RateLimit-Policy": f'"key";q={self.amount};w={self.window}',
            "RateLimit": f'"key";r={self.left};t={self.reset}',
        }


class Rates:
    """Counts requests by key, and by address those without one.

    Raises:
        BadInput: a rate of the settings is none.
    """

    def __init__(self, settings: AppSettings, metrics: Metrics) -> None:
        chosen = settings.security
        for name, rate in (("rate", chosen.rate), ("anonymous_rate", chosen.anonymous_rate)):
            if rate:
                check_rate(rate, f"security.{name}")
        self._rate, self._anonymous = chosen.rate, chosen.anonymous_rate
        self._metrics = metrics
        self._shared = _Shared(settings.redis) if settings.redis.url else None
        self._local = MovingWindowRateLimiter(LoopMemory())

    @property
    def away(self) -> bool:
        """Whether each process counts for itself, for Redis does not answer."""
        return self._shared is not None and self._shared.guard.state != CLOSED

    async def take(self, key: ApiKey | None, address: str) -> dict[str, str]:
        """Counts one request; the headers that its answer is to have.

        Raises:
            RateLimited: it is one too many.
        """
        rate = self._anonymous if key is None else (key.rate or self._rate)
        if not rate:
            return {}
        who = f"address:{address}" if key is None else f"key:{key.id}"
        taken = [await self._hit(item, who) for item in _items(rate)]
        tightest = min(taken, key=lambda each: (each.allowed, each.left))
        if not tightest.allowed:
            self._metrics.limited.labels(ANONYMOUS if key is None else key.name).inc()
            raise RateLimited(
                f"{tightest.amount} requests in {_seconds(tightest.window)} are what "
                f"{'one address' if key is None else 'this key'} may make; try again in "
                f"{_seconds(tightest.reset)}",
                retry_after=tightest.reset,
                headers=tightest.headers,
            )
        return tightest.headers

    async def _hit(self, item: RateLimitItem, who: str) -> Taken:
        if self._shared is not None:
            with contextlib.suppress(StorageFailed, *self._shared.faults):
                async with self._shared.guard.asking(), asyncio.timeout(self._shared.seconds):
                    return await _counted(self._shared.limiter, item, who)
        return await _counted(self._local, item, who)

    def _told(self, name: str, state: int) -> None:
        if name == REDIS:
            self._metrics.limits_local.set(state != CLOSED)

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """For as long as the server lives: looks for a Redis that went away."""
        self._metrics.limits_local.set(0)
        try:
            with watching(self._told):
                if self._shared is not None:
                    self._shared.guard.announce()
                yield
        finally:
            if self._shared is not None:
                await self._shared.guard.close()
                await self._shared.client.connection_pool.disconnect()


class _Shared:
    """Redis and what asks it."""

    def __init__(self, server: RedisSettings) -> None:
        from limits.aio.storage import RedisStorage
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.exceptions import RedisError

        assert server.url is not None
        pool = BlockingConnectionPool.from_url(
            server.url,
            max_connections=_CONNECTIONS,
            timeout=server.timeout_seconds,
            **redis_options(server),
        )
        self.client: Redis = Redis(connection_pool=pool)
        self.seconds = server.timeout_seconds
        self.faults: tuple[type[Exception], ...] = (RedisError, TimeoutError, OSError)
        taken: dict[str, Any] = {"connection_pool": pool}  # which limits types as a plain value
        storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=f"{server.prefix}:rates",
            **taken,
        )
        self.limiter = MovingWindowRateLimiter(storage)
        self.guard = Guard(
            REDIS,
            self._probe,
            StorageFailed,
            at_once=_CONNECTIONS,
            wait_seconds=self.seconds,
            failures=1,
        )

    async def _probe(self) -> None:
        async with asyncio.timeout(self.seconds):
            await self.client.ping()


async def _counted(limiter: MovingWindowRateLimiter, item: RateLimitItem, who: str) -> Taken:
    allowed = await limiter.hit(item, who)
    stats = await limiter.get_window_stats(item, who)
    reset = max(1, math.ceil(stats.reset_time - time.time()))
    left = max(0, int(stats.remaining)) if allowed else 0
    return Taken(allowed, item.amount, item.get_expiry(), left, min(reset, item.get_expiry()))


@cache
def _items(rate: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(rate))


def _seconds(count: int) -> str:
    return f"{count} second{'' if count == 1 else 's'}"
