"""Bounded retries with jitter, for what may be asked twice, while there is time."""

from __future__ import annotations

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
    says so of, with pauses that double and vary by chance (full jitter), and not when the time for
    another is not there. Raises the last error."""
    retrying = AsyncRetrying(
        stop=stop_any(stop_after_attempt(tries), _out_of_time),
        wait=wait_random_exponential(_FIRST_PAUSE, _LONGEST_PAUSE),
        retry=retry_if_exception(again),
        reraise=True,
    )
    return await retrying(once)


def _out_of_time(state: RetryCallState) -> bool:
    return remaining(_FOREVER) < state.upcoming_sleep + _TOO_LITTLE
