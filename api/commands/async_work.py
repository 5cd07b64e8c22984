"""Runs what is asynchronous for a command."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, but nothing of the result is ever written out. `asyncio.run` puts back what
    Ctrl-C does with `signal.signal`, which quotes the handler it replaces, and that holds the task
    and its result: minutes for tables of features. Here the task returns nothing."""
    found: list[T] = []

    async def keep() -> None:
        found.append(await work)

    asyncio.run(keep())
    return found[0]
