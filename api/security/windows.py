"""Moving windows in the memory of one process, for an event loop: what `limits` has of its own
hands every request's clearing to a thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from limits.aio.storage import MovingWindowSupport, Storage

_SWEEP = 4096


@dataclass(slots=True)
class _Window:
    """When requests were made, the newest first, and how long each counts."""

    seconds: float = 0.0
    moments: deque[float] = field(default_factory=deque)


class LoopMemory(Storage, MovingWindowSupport):
    """Counts for one event loop; nothing in it waits. Every few thousand requests forgets whoever
    has not asked for a window's length, so that addresses do not pile up."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__(None)
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._requests = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What it may raise."""
        return ValueError

    async def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Whether `amount` more are within `limit` in the last `expiry` seconds; counts them."""
        self._sweep()
        window = self._windows.setdefault(key, _Window())
        window.seconds = expiry
        self._drop(window)
        if len(window.moments) + amount > limit:
            return False
        window.moments.extendleft([self._clock()] * amount)
        return True

    async def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest request that counts was made, and how many count."""
        window = self._windows.get(key, _Window(expiry))
        self._drop(window)
        oldest = window.moments[-1] if window.moments else self._clock()
        return oldest, len(window.moments)

    def __len__(self) -> int:
        """How many keys and addresses are remembered."""
        return len(self._windows)

    def _drop(self, window: _Window) -> None:
        since = self._clock() - window.seconds
        while window.moments and window.moments[-1] <= since:
            window.moments.pop()

    def _sweep(self) -> None:
        self._requests += 1
        if self._requests % _SWEEP:
            return
        since = self._clock()
        self._windows = {
            key: window
            for key, window in self._windows.items()
            if window.moments and window.moments[0] > since - window.seconds
        }

    async def clear(self, key: str) -> None:
        """Forgets one."""
        self._windows.pop(key, None)

    async def reset(self) -> int | None:
        """Forgets all."""
        count = len(self._windows)
        self._windows.clear()
        return count

    async def check(self) -> bool:
        """Memory is always there."""
        return True

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    async def get(self, key: str) -> int:
        """Fixed windows are not counted here."""
        raise NotImplementedError

    async def get_expiry(self, key: str) -> float:
        """Fixed windows are not counted here."""
        raise NotImplementedError
