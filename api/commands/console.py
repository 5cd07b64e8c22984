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
_TELLING_SECONDS = 2.0
_TELLING_SHARE = 0.05
"""How long a stage must have taken, and what share of it must be done, before its speed tells when
it will end."""


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


class Pace:
    """How long each stage has left at the speed it has. What was done before its first report took
    nobody knows how long, and a first piece that is hardly any of it went with getting ready (a
    model was loaded): the speed is that of what came after."""

    def __init__(self) -> None:
        self._from: dict[str, tuple[float, int]] = {}

    def left(self, stage: str, spent: float, done: int, total: int | None) -> str:
        """For people to read; "" until enough is done to tell."""
        if not (done and total):
            return ""
        little = not spent or done < _TELLING_SHARE * total
        since, before = self._from.setdefault(stage, (spent, done) if little else (0.0, 0))
        took, made = spent - since, done - before
        if took < _TELLING_SECONDS or made <= 0 or done < _TELLING_SHARE * total:
            return ""
        return f"{timedelta(seconds=round(took / made * (total - done)))} left"


class Stages:
    """A progress bar a stage; `indexer` calls it with the stage, what is done and the total."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._clock, self._pace = progress, Clock(), Pace()
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Moves the bar of a stage, which appears when it is first heard of."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, left="")
        left = self._pace.left(stage, self._clock.told(stage), done, total)
        self._progress.update(self._tasks[stage], completed=done, total=total, left=left)


class Lines:
    """The same for a log: a line when a stage begins, and one now and then while it lasts."""

    def __init__(self) -> None:
        self._clock, self._pace = Clock(), Pace()
        self._told: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Says how far a stage is, at most once in `_LINE_SECONDS`."""
        now, spent = time.monotonic(), self._clock.told(stage)
        left = self._pace.left(stage, spent, done, total)
        if now - self._told.get(stage, -math.inf) >= _LINE_SECONDS:
            self._told[stage] = now
            of_all = f" of {total:,}" if total else ""
            say(f"{stage}: {done:,}{of_all}{_clock(spent, done, left)}")


def _clock(spent: float, done: int, left: str) -> str:
    """The time a stage took so far and has left; "" at its beginning."""
    if not (done and spent):
        return ""
    return f", {timedelta(seconds=round(spent))} so far{left and ', '}{left}"


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
