"""Trying again: soon at first, then less often, and never in step with others."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass


@dataclass(slots=True)
class Patience:
    """Waits that grow from `first` to `longest` seconds, each drawn from the upper half of what
    it may be, so that many clients of one server spread out."""

    first: float = 0.25
    longest: float = 30.0
    failures: int = 0

    def next(self) -> float:
        """How long to wait after one more failure, in seconds."""
        full = min(self.longest, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return float(full * random.uniform(0.5, 1.0))

    def restored(self) -> bool:
        """Counts from the beginning; whether there was a failure before."""
        failed, self.failures = self.failures > 0, 0
        return failed


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits, but not longer than until `stop`."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
