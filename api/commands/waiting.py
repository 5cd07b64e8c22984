"""Runs what is asynchronous for a command."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, which in putting back what Ctrl-C does writes out all that the work
    returned (`signal.signal` asks whether its handler, which holds the task, is a number, and the answer no
    quotes it): minutes for tables of features. Here the task returns nothing."""
    found: list[T] = []

    async def keep() -> None:
        found.append(await work)

    asyncio.run(keep())
    return found[0]
