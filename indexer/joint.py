"""Two threads of one build that stop together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from indexer.progress import Progress

P = ParamSpec("P")
T = TypeVar("T")


class Stopped(Exception):
    """Ends a thread because another one of the same build failed."""


class Joint:
    """Progress shared by several threads: once one has failed, the next report of any other
    raises `Stopped`, so that hours of encoding do not go on for a build that is lost."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._failed = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Passes a report on."""
        if self._failed.is_set():
            raise Stopped
        with self._lock:
            self._progress(stage, done, total)

    def run(
        self, work: Callable[Concatenate[Progress, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Does one thread's work, which reports to this."""
        try:
            return work(self, *args, **kwargs)
        except BaseException:
            self._failed.set()
            raise
