"""What commands say: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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


class Stages:
    """A progress bar a stage; `indexer` calls it with the stage, what is done and the total."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Moves the bar of a stage, which appears when it is first heard of."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


@contextmanager
def stages() -> Iterator[Stages]:
    """Progress bars on standard error; nothing moves when that is no terminal."""
    columns = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        yield Stages(progress)
