"""Bounded retries with jitter, for what may be asked twice, while there is time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_any,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from search.resilience.deadline import remaining

T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2
_TOO_LITTLE = 0.01
"""Seconds in which no server answers."""
_FOREVER = 3600.0


async def tried(
    once: Callable[[], Awaitable[T]], tries: int, again: Callable[[BaseException], bool]
) -> T:
    """What `once` returns. It is called at most `tries` times, again after errors that `again`
    says so of, after pauses that double and vary by chance (full jitter), and not when the time for
    another is not there. Raises the last error."""
    try:
        return await once()
    except Exception as error:  # most need no second try, and making its plan costs 0.1 ms
        if tries < 2 or not again(error) or remaining(_FOREVER) < _TOO_LITTLE:
            raise
    await asyncio.sleep(min(random.uniform(0, _FIRST_PAUSE), remaining(_FIRST_PAUSE)))
    retrying = AsyncRetrying(
        stop=stop_any(stop_after_attempt(tries - 1), _OutOfTime()),
        wait=wait_random_exponential(_FIRST_PAUSE, _LONGEST_PAUSE),
        retry=retry_if_exception(again),
        reraise=True,
    )
    return await retrying(once)


class _OutOfTime(stop_base):
    """Stops when the time for a pause and another try is not there."""

    def __call__(self, state: RetryCallState) -> bool:
        return remaining(_FOREVER) < state.upcoming_sleep + _TOO_LITTLE
