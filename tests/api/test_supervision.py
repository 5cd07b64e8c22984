"""Worker processes that die: replaced at once, later, or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from api import supervision
from api.supervision import WorkersFailed, supervise

SPAWN = multiprocessing.get_context("spawn")


class Starts:
    """Starts real processes and remembers when."""

    def __init__(self, target: Callable[..., object], *arguments: object) -> None:
        self.times: list[float] = []
        self.workers: list[BaseProcess] = []
        self._make = partial(SPAWN.Process, target=target, args=arguments)

    def __call__(self) -> BaseProcess:
        worker = self._make()
        worker.start()
        self.times.append(time.monotonic())
        self.workers.append(worker)
        return worker


@pytest.mark.slow
def test_workers_that_die_at_their_start_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "PAUSE_SECONDS", 0.2)
    dying, sound = Starts(sys.exit, 3), Starts(time.sleep, 60)
    with pytest.raises(WorkersFailed, match=r"5 times in a row \(last with exit code 3\)"):
        supervise([dying, sound], lambda: False, 10)
    pauses = [later - sooner for sooner, later in zip(dying.times, dying.times[1:], strict=False)]
    assert len(dying.times) == 5
    assert all(pause >= 0.2 * 2**n for n, pause in enumerate(pauses))
    assert len(sound.times) == 1
    assert not sound.workers[0].is_alive()


@pytest.mark.slow
def test_a_worker_that_lived_is_replaced_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(supervision, "PAUSE_SECONDS", 60.0)
    dying = Starts(os._exit, 1)
    supervise([dying], lambda: len(dying.times) > 6, 10)
    assert len(dying.times) == 7


def ignore_the_end(ready: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(ready).touch()
    time.sleep(600)


@pytest.mark.slow
def test_a_worker_that_does_not_end_is_killed(tmp_path: Path) -> None:
    ready, told = tmp_path / "ready", []
    stuck = Starts(ignore_the_end, str(ready))
    supervise([stuck], ready.exists, 0.2, ending=lambda: told.append(stuck.workers[0].is_alive()))
    assert told == [True]
    assert stuck.workers[0].exitcode == -signal.SIGKILL
