"""What commands say: results on standard output, everything else on standard error."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from api.responses import to_json

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """A remark for people, on standard error."""
    err.print(text, markup=False, soft_wrap=True)


def print_json(value: object) -> None:
    """The result for machines: the last line of standard output."""
    sys.stdout.buffer.write(to_json(value) + b"\n")
    sys.stdout.flush()


_LINE_SECONDS = 10.0


class Clock:
    """How long each stage took, without the others that began and ended while it said nothing: they
    are what it waited for, and have lines of their own."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._spent: dict[str, float] = {}

    def told(self, stage: str) -> float:
        """Notes a report; the seconds that its stage took so far."""
        now = time.monotonic()
        last = self._last.get(stage, now)
        within = [
            self._last[other] - begun
            for other, begun in self._begun.items()
            if other != stage and begun >= last
        ]
        self._begun.setdefault(stage, now)
        spent = self._spent.get(stage, 0.0) + max(0.0, now - last - sum(within))
        self._last[stage], self._spent[stage] = now, spent
        return spent


class Stages:
    """A progress bar a stage; `indexer` calls it with the stage, what is done and the total."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._clock = progress, Clock()
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Moves the bar of a stage, which appears when it is first heard of."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, left="")
        left = _left(self._clock.told(stage), done, total)
        self._progress.update(self._tasks[stage], completed=done, total=total, left=left)


class Lines:
    """The same for a log: a line when a stage begins, and one now and then while it lasts."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._told: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Says how far a stage is, at most once in `_LINE_SECONDS`."""
        now, spent = time.monotonic(), self._clock.told(stage)
        if now - self._told.get(stage, -math.inf) >= _LINE_SECONDS:
            self._told[stage] = now
            of_all = f" of {total:,}" if total else ""
            say(f"{stage}: {done:,}{of_all}{_clock(spent, done, total)}")


def _clock(spent: float, done: int, total: int | None) -> str:
    """The time a stage took so far and, at that speed, has left; "" at its beginning."""
    if not (done and spent):
        return ""
    left = _left(spent, done, total)
    return f", {timedelta(seconds=round(spent))} so far{left and ', '}{left}"


def _left(spent: float, done: int, total: int | None) -> str:
    if not (done and spent and total):
        return ""
    return f"{timedelta(seconds=round(spent / done * (total - done)))} left"


class Silence:
    """The same for who wants the result alone."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Tells nobody how far a stage is."""


@contextmanager
def stages(*, quiet: bool = False) -> Iterator[Stages | Lines | Silence]:
    """Progress on standard error: bars on a terminal, lines elsewhere, nothing when `quiet`."""
    if quiet:
        yield Silence()
        return
    if not err.is_terminal:
        yield Lines()
        return
    columns = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=err) as progress:
        yield Stages(progress)
