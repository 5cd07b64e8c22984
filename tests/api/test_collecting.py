"""What lives as long as the index is left out of the collector's full passes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Iterator

import pytest

from api import collecting
from api.collecting import keep_aside


class Part:
    """Something a snapshot is made of, held by itself alone once it is let go."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def _undone() -> Iterator[None]:
    yield
    gc.unfreeze()


async def test_what_is_open_is_set_aside_and_an_earlier_snapshot_is_still_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collecting, "SETTLED_SECONDS", 0.0)
    version: str | None = None

    async def snapshot() -> str | None:
        return version

    task = asyncio.create_task(keep_aside(snapshot, every=0.001))
    gc.unfreeze()
    await asyncio.sleep(0.02)
    assert gc.get_freeze_count() == 0  # there is nothing to set aside yet
    part = Part()
    held = weakref.ref(part)
    version = "a"
    await asyncio.sleep(0.5)
    assert gc.get_freeze_count() > 1000
    del part
    gc.collect()
    assert held() is not None  # set aside: no pass looks at it
    version = "b"
    await asyncio.sleep(0.5)
    assert held() is None
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_at_the_end_nothing_is_aside_which_modules_in_c_would_call_a_leak() -> None:
    async def snapshot() -> str:
        return "a"

    task = asyncio.create_task(keep_aside(snapshot))
    await asyncio.sleep(0.5)
    assert gc.get_freeze_count() > 1000
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert gc.get_freeze_count() == 0
