"""Turns: how many are worked on at once, in what order, and for how long anybody waits."""

from __future__ import annotations

import asyncio
import contextlib
import time

from hypothesis import given
from hypothesis import strategies as st

from search.resilience import Turns


@given(st.integers(1, 5), st.integers(1, 20))
def test_no_more_are_worked_on_than_may_be_and_in_their_order(at_once: int, count: int) -> None:
    turns, working, begun = Turns(at_once, 60), [0, 0], []

    async def work(number: int) -> None:
        async with turns.turn():
            begun.append(number)
            working[0] += 1
            working[1] = max(working)
            for _ in range(1 + number % 3):
                await asyncio.sleep(0)
            working[0] -= 1

    async def all_of_them() -> None:
        await asyncio.gather(*map(work, range(count)))

    asyncio.run(all_of_them())
    assert begun == list(range(count))
    assert working == [0, min(at_once, count)]


async def test_nobody_waits_long_for_those_who_wait_themselves() -> None:
    turns, hanging = Turns(1, 0.05), asyncio.Event()

    async def hang() -> None:
        async with turns.turn():
            await hanging.wait()

    task = asyncio.create_task(hang())
    await asyncio.sleep(0)
    start = time.monotonic()
    async with turns.turn():
        assert 0.04 < time.monotonic() - start < 5
    hanging.set()
    await task
    start = time.monotonic()
    for _ in range(3):
        async with turns.turn():
            pass
    assert time.monotonic() - start < 0.04


async def test_who_fails_or_is_told_to_stop_gives_the_turn_back() -> None:
    turns = Turns(1, 60)
    with contextlib.suppress(ZeroDivisionError):
        async with turns.turn():
            _ = 1 / 0
    holding = turns.turn()
    await holding.__aenter__()
    waiting = asyncio.create_task(turns.turn().__aenter__())
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait([waiting])
    await holding.__aexit__(None, None, None)
    async with asyncio.timeout(5), turns.turn():
        pass
