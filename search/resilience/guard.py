"""What stands before a dependency: a bulkhead and a circuit breaker (Nygard, Release It!, 2nd ed.,
chapter 5).

The bulkhead lets a bounded number of requests in at once; others wait for room, within the
request's deadline. The breaker opens after failures in a row and then refuses at once. From then on
a task of the guard's own tries the dependency until it answers, so that no shopper's request is
spent on finding out.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from search.errors import AisleError
from search.resilience.breakers import AsyncCircuitBreakerFactory, OpenedState
from search.resilience.deadline import remaining

CLOSED, HALF_OPEN, OPEN = 0, 1, 2
"""States of a breaker: requests go through, one tries, none does."""
_NUMBERS = {"closed": CLOSED, "half-opened": HALF_OPEN, "opened": OPEN}
_TOO_LITTLE = 0.005
"""Seconds left that are not worth asking with."""
_log = logging.getLogger(__name__)

Told = Callable[[str, int], None]
_watchers: list[Told] = []


@contextlib.contextmanager
def watching(told: Told) -> Iterator[None]:
    """Inside, `told` hears the name of every guard that is made, or whose state changes, and the
    state."""
    _watchers.append(told)
    try:
        yield
    finally:
        _watchers.remove(told)


class Guard:
    """Stands before one dependency, in one event loop."""

    def __init__(
        self,
        name: str,
        probe: Callable[[], Awaitable[Any]],
        away: Callable[[str], AisleError],
        *,
        at_once: int,
        wait_seconds: float,
        failures: int = 5,
        rest_seconds: float = 0.5,
        harmless: Callable[[BaseException], bool] = lambda error: False,
    ) -> None:
        """`probe` raises unless the dependency answers; `away` makes the error of a refusal.
        `at_once` requests are let in, others wait `wait_seconds` at most. `failures` in a row open
        the breaker, `harmless` errors are none; then it is probed every `rest_seconds`."""
        self.name = name
        self.state = CLOSED
        self._probe, self._away = probe, away
        self._room = asyncio.Semaphore(at_once)
        self._wait_seconds, self._rest = wait_seconds, rest_seconds
        # An open breaker of the library lets the next one try after a time; the probe is that one.
        self._breakers = AsyncCircuitBreakerFactory(
            failures, rest_seconds / 2, exclude=[asyncio.CancelledError, (Exception, harmless)]
        )
        self._breakers.add_listener(self._heard)
        self._reason = self._fault = ""
        self._probing: asyncio.Task[None] | None = None
        self.announce()

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Around whatever asks the dependency.

        Raises:
            AisleError: what `away` makes: it is known to be away, or has no room in time.
        """
        self._refuse_when_open()
        async with self._slot():
            self._refuse_when_open()
            async with self._breaker():
                yield

    def _refuse_when_open(self) -> None:
        if self.state != CLOSED:
            raise self._away(f"{self.name} is away ({self._reason}); tried again by itself")

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        seconds = remaining(self._wait_seconds)
        if seconds < _TOO_LITTLE:
            raise self._away(f"no time is left to ask {self.name}")
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
        except TimeoutError:
            raise self._away(f"{self.name} is asked as much as it may be at once") from None
        try:
            yield
        finally:
            self._room.release()

    @contextlib.asynccontextmanager
    async def _breaker(self) -> AsyncIterator[None]:
        breaker = await self._breakers.get_breaker(self.name)
        try:
            async with breaker:
                try:
                    yield
                except BaseException as error:
                    self._reason = str(error) or type(error).__name__
                    raise
        except OpenedState as opened:
            opened.__traceback__ = None  # the library raises one object again and again
            raise self._away(f"{self.name} is away ({self._reason})") from None

    def _heard(self, name: str, kind: str, event: Any) -> None:
        if kind == "state_changed":
            self._changed(_NUMBERS[event.state])

    def _changed(self, state: int) -> None:
        before, self.state = self.state, state
        if before == CLOSED:
            _log.error("%s is away and not asked until it answers: %s", self.name, self._reason)
            # The request that found out is soon over, and its deadline is not the probe's.
            nobodys = contextvars.Context()
            self._probing = asyncio.create_task(
                self._try(), name=f"try {self.name}", context=nobodys
            )
        elif state == CLOSED:
            _log.warning("%s answers again", self.name)
            self._fault = ""
        self.announce()

    async def _try(self) -> None:
        """Until it answers."""
        while self.state != CLOSED:
            await asyncio.sleep(self._rest)
            with contextlib.suppress(Exception):
                async with self._breaker():
                    await self._probe()

    def announce(self) -> None:
        """Tells who is watching of the state, as every change of it does."""
        for told in _watchers:
            told(self.name, self.state)

    def tell(self, fault: str) -> None:
        """Logs what is wrong although there are answers: once, not with every request."""
        if fault != self._fault:
            _log.error("%s: %s", self.name, fault)
        self._fault = fault

    async def close(self) -> None:
        """Stops trying."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
