"""Deadlines, guards and retries, by the clock."""

from __future__ import annotations

import asyncio
import time

import pytest

from search.errors import EngineUnavailable
from search.resilience import CLOSED, OPEN, Guard, hearing, note, remaining, tried, until, within


class Dependency:
    """Something that may be away."""

    def __init__(self) -> None:
        self.away = False
        self.probes = 0

    async def ask(self) -> str:
        if self.away:
            raise EngineUnavailable("away")
        return "here"

    async def probe(self) -> None:
        self.probes += 1
        await self.ask()

    def guard(self, at_once: int = 4) -> Guard:
        return Guard(
            "it",
            self.probe,
            EngineUnavailable,
            at_once=at_once,
            wait_seconds=0.1,
            failures=2,
            rest_seconds=0.05,
            harmless=lambda error: isinstance(error, KeyError),
        )


async def asked(guard: Guard, dependency: Dependency) -> str:
    async with guard.asking():
        return await dependency.ask()


def test_a_stage_has_its_share_of_the_time_and_no_more_than_the_one_around_it() -> None:
    assert remaining(7.0) == 7.0
    with within(10.0):
        assert remaining(7.0) == 7.0
        with until(0.5):
            assert 4.9 < remaining(7.0) <= 5.0
            with until(0.9):
                assert remaining(7.0) <= 5.0
        with within(0.0):
            assert remaining(7.0) == 0.0
    assert remaining(7.0) == 7.0


async def test_notes_reach_the_answer_from_tasks_of_it_and_nobody_elses() -> None:
    heard: list[str] = []

    async def deep() -> None:
        note("partial")

    with hearing(heard.append):
        await asyncio.gather(deep(), deep())
    await deep()
    assert heard == ["partial", "partial"]


async def test_a_guard_opens_refuses_at_once_and_closes_when_a_probe_is_answered() -> None:
    dependency = Dependency()
    guard = dependency.guard()
    dependency.away = True
    with within(0.01):  # the deadline of who finds out is not the probe's
        for _ in range(2):
            with pytest.raises(EngineUnavailable, match="away"):
                await asked(guard, dependency)
    assert guard.state == OPEN
    began = time.monotonic()
    with pytest.raises(EngineUnavailable, match="tried again by itself"):
        await asked(guard, dependency)
    assert time.monotonic() - began < 0.05
    await asyncio.sleep(0.2)
    assert guard.state == OPEN
    assert dependency.probes
    dependency.away = False
    await asyncio.sleep(0.2)
    assert guard.state == CLOSED
    assert await asked(guard, dependency) == "here"
    await guard.close()


async def test_harmless_errors_and_leaving_requests_do_not_open_it() -> None:
    dependency = Dependency()
    guard = dependency.guard()
    for error in (KeyError, asyncio.CancelledError) * 3:
        with pytest.raises(error):
            async with guard.asking():
                raise error
    assert guard.state == CLOSED


async def test_a_bulkhead_lets_so_many_in_and_others_wait_within_their_time() -> None:
    guard = Dependency().guard(at_once=1)
    async with guard.asking():
        began = time.monotonic()
        with within(0.05), pytest.raises(EngineUnavailable, match="at once"):
            await asked(guard, Dependency())
        assert time.monotonic() - began < 0.09
        with within(0.0), pytest.raises(EngineUnavailable, match="no time"):
            await asked(guard, Dependency())
    assert guard.state == CLOSED
    assert await asked(guard, Dependency()) == "here"


async def test_retries_are_bounded_by_number_by_kind_and_by_time() -> None:
    calls: list[float] = []

    async def fails() -> None:
        calls.append(time.monotonic())
        raise EngineUnavailable("away")

    def again(error: BaseException) -> bool:
        return isinstance(error, EngineUnavailable)

    for tries, expected in ((1, 1), (4, 4)):
        calls.clear()
        with pytest.raises(EngineUnavailable):
            await tried(fails, tries, again)
        assert len(calls) == expected
    calls.clear()
    with pytest.raises(EngineUnavailable):
        await tried(fails, 4, lambda error: False)
    assert len(calls) == 1
    began = time.monotonic()
    with within(0.05), pytest.raises(EngineUnavailable):
        await tried(fails, 1_000, again)
    assert time.monotonic() - began < 0.3
