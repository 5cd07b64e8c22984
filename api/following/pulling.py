"""Pulling events on and on: what servers sent to Kafka comes into the log soon after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from api.following.patience import Patience, pause
from api.following.running import stop_signals
from search.errors import AisleError
from training.events.pulling import Pulled


def pull_on(
    pull: Callable[[], Pulled],
    every: float,
    took: Callable[[Pulled], None],
    waiting: Callable[[str], None],
) -> None:
    """Pulls each `every` seconds until told to stop (SIGTERM, SIGINT); the pull at hand is finished
    first. What refuses is waited for, once the first pull has shown that all is set up.

    Raises:
        BadInput, StorageFailed: the first pull is refused.
    """
    asyncio.run(_pull_on(pull, every, took, waiting))


async def _pull_on(
    pull: Callable[[], Pulled],
    every: float,
    took: Callable[[Pulled], None],
    waiting: Callable[[str], None],
) -> None:
    patience, said, begun = Patience(), "", False
    with stop_signals() as stop:
        while not stop.is_set():
            try:
                pulled = await asyncio.to_thread(pull)
            except AisleError as error:
                if not begun:
                    raise
                if str(error) != said:
                    waiting(str(error))
                said = str(error)
                await pause(stop, patience.next())
                continue
            begun, said = True, ""
            patience.restored()
            took(pulled)
            await pause(stop, every)
