"""Keeping worker processes alive: one that dies is replaced, unless that does not help."""

from __future__ import annotations

import multiprocessing.connection
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from prometheus_client.multiprocess import mark_process_dead

from search.errors import AisleError

QUICK_SECONDS = 10.0
"""A worker that lives shorter than this died at its start: its next one would likely as well."""
QUICK_DEATHS = 5
"""How many deaths at the start, in a row, are enough to give up."""
PAUSE_SECONDS = 0.5
"""Before a worker that died at its start is replaced; doubles with each death in a row."""
_LOOK_SECONDS = 0.5


class WorkersFailed(AisleError):
    """A worker process dies again and again right after its start."""


@dataclass(slots=True)
class Place:
    """One worker's place: the process in it, None while it is empty. `since` is when it was filled
    or emptied (monotonic seconds), `quick` the deaths at the start in a row."""

    start: Callable[[], BaseProcess]
    worker: BaseProcess | None = None
    since: float = 0.0
    quick: int = 0

    def look(self, now: float) -> None:
        """Empties the place of a worker that died, and fills it when its pause is over.

        Raises:
            WorkersFailed: too many died right after their start.
        """
        if self.worker is not None and not self.worker.is_alive():
            self._bury(self.worker, now)
        pause = PAUSE_SECONDS * 2 ** (self.quick - 1) if self.quick else 0.0
        if self.worker is None and now - self.since >= pause:
            self.worker, self.since = self.start(), now

    def _bury(self, worker: BaseProcess, now: float) -> None:
        if worker.pid is not None and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            # What it had in flight would be counted forever.
            mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
        self.quick = self.quick + 1 if now - self.since < QUICK_SECONDS else 0
        self.worker, self.since = None, now
        if self.quick >= QUICK_DEATHS:
            raise WorkersFailed(
                f"a worker process ended right after its start, {self.quick} times in a row (last "
                f"with exit code {worker.exitcode}); the log above says why; "
                "aisle serve --workers 1 may say more"
            )


def supervise(
    starts: Sequence[Callable[[], BaseProcess]],
    stopped: Callable[[], bool],
    grace: float,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Keeps one worker running for each of `starts` until `stopped`; then calls `ending` and ends
    them all, killing those that are still there after `grace` seconds.

    Raises:
        WorkersFailed: a worker dies right after its start however often it is replaced.
    """
    places = [Place(start) for start in starts]
    try:
        while not stopped():
            for place in places:
                place.look(time.monotonic())
            alive = [place.worker.sentinel for place in places if place.worker is not None]
            multiprocessing.connection.wait(alive, timeout=_LOOK_SECONDS)
    finally:
        ending()
        _end([place.worker for place in places if place.worker is not None], grace)


def _end(workers: Sequence[BaseProcess], grace: float) -> None:
    for worker in workers:
        worker.terminate()
    end = time.monotonic() + grace
    for worker in workers:
        worker.join(max(end - time.monotonic(), 0.0))
        if worker.is_alive():
            worker.kill()
            worker.join()
