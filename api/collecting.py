"""Python's garbage collector beside a large index.

Its full passes look at every object there is: dictionaries of queries' words, routes, modules. At a
million products that stops all requests for a seventh of a second, every few hundred of them. What
is there once an index is open stays, so it is set aside (`gc.freeze`) and later passes look at what
requests made alone.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

SETTLED_SECONDS = 5.0
"""How long a new snapshot is given to be opened whole before what it is made of is set aside."""


def set_aside() -> None:
    """Leaves everything that is alive out of later passes; what is not is collected first, that of
    an earlier snapshot included."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def keep_aside(snapshot: Callable[[], Awaitable[str | None]], every: float = 1.0) -> None:
    """Sets aside what is there once there is a `snapshot`, and after each change of it. Whoever
    runs it cancels it; then nothing is aside any more: modules in C report what Python does not
    collect at its end as leaks, a screen of lines each."""
    seen: str | None = None
    try:
        while True:
            now = await snapshot()
            if now != seen:
                await asyncio.sleep(SETTLED_SECONDS if seen is not None else 0.0)
                set_aside()
                seen = now
            await asyncio.sleep(every)
    finally:
        gc.unfreeze()
