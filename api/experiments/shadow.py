"""Shadows: a candidate ranks what shoppers search, and nobody sees it.

After an answer is sent, the request is put into a short queue; a thread hands one at a time to a
process of its own (`api.experiments.shadow_process`) as long as that has used less of the processor
than it may. What does not fit is skipped and counted. A candidate that hangs is killed with its
process; one that fails is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from api.experiments.counting import times_of
from api.experiments.seams import Cell, Tally
from api.experiments.shadow_process import Ranked
from api.experiments.shadow_report import (
    COMPARED,
    DEPTH,
    OVERLAP,
    OVERLAP_SQUARES,
    PROCESSOR,
    RBO,
    SKIPPED,
    shadow_report,
)
from api.logs import SERVER
from api.settings import AppSettings
from eval.experiments import Experiment, arm_of, unit_of
from eval.experiments.agreement import overlap, rank_biased_overlap
from eval.experiments.observed import FALLBACKS
from search.types import UNTREATED, SearchRequest, SearchResponse

__all__ = ["Shadows", "shadow_report"]

QUEUE = 32
"""Requests that may wait for a shadow."""
_BURST_SECONDS = 2.0
"""For how long of what it may use a shadow can save up."""
_MAIN = "from api.experiments.shadow_process import main; main()"
_OPEN_SECONDS = 120.0
_RETRY_SECONDS = (5.0, 300.0)
"""When a process that failed is started again: first, and at the latest."""

Counted = Callable[[Cell, Tally], None]


@dataclass(frozen=True, slots=True)
class Job:
    """A request that was answered, and by what; `depth` places can be compared."""

    experiment: Experiment
    request: SearchRequest
    served: tuple[str, ...]
    total: int
    milliseconds: float
    minute: int
    depth: int


@dataclass(slots=True)
class Budget:
    """Processor time that a shadow may use, in seconds: it grows with time, a little of it can be
    saved, and whoever owes waits."""

    share: float
    left: float = 0.0
    at: float = field(default_factory=time.monotonic)

    def allows(self, now: float) -> bool:
        """Whether there is some left, `now` by the monotonic clock."""
        self.left = min(self.left + (now - self.at) * self.share, self.share * _BURST_SECONDS)
        self.at = now
        return self.left > 0

    def spend(self, seconds: float) -> None:
        """Takes what was used."""
        self.left -= seconds


class Child:
    """The process that ranks, and the end of the pipe to it."""

    def __init__(self, settings: AppSettings) -> None:
        self.connection, other = Pipe()
        with other:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, str(other.fileno())],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self.connection.send(settings)
        _answer(self.connection, _OPEN_SECONDS)

    def rank(self, system: str, request: SearchRequest, seconds: float) -> Ranked:
        """What a system makes of a request.

        Raises:
            OSError, EOFError: the process is gone, or did not answer in time.
        """
        self.connection.send((system, request))
        answer = _answer(self.connection, seconds)
        assert isinstance(answer, Ranked)
        return answer

    def kill(self) -> None:
        """Ends it, whatever it does."""
        self.process.kill()
        self.process.wait()
        self.connection.close()


def _answer(connection: Connection, seconds: float) -> object:
    if not connection.poll(seconds):
        raise TimeoutError(f"no answer within {seconds:g} s")
    return connection.recv()


class Shadows:
    """Hands requests to candidates; one per process, `offer` from its event loop alone.

    `counted` is told of what happened, in the event loop; `seconds` is how long a ranking may take.
    """

    def __init__(self, settings: AppSettings, counted: Counted, seconds: float = 5.0) -> None:
        self.settings = settings
        self.counted = counted
        self.seconds = seconds
        self.child: Child | None = None
        self._jobs: queue.Queue[Job | None] = queue.Queue(QUEUE)
        self._budgets: dict[str, Budget] = {}
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failures = 0
        self._retry = 0.0
        self._closed = False

    def offer(
        self,
        running: Iterable[Experiment],
        asked: SearchRequest,
        response: SearchResponse,
        visit: tuple[str, str],
        milliseconds: float,
    ) -> None:
        """Takes an answered request, if a shadow is to rank it too; `visit` is the session and the
        client as the shop names them. Never waits, never raises."""
        try:
            for each in running:
                if each.kind == "shadow" and _compares(each, asked, response, visit):
                    self._put(_job(each, asked, response, milliseconds))
        except Exception:
            SERVER.exception("a shadow could not be asked")

    def _put(self, job: Job) -> None:
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._work, name="aisle-shadow", daemon=True)
            self._thread.start()
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            self._tell(job, Tally(sums={SKIPPED: 1.0}))

    async def close(self) -> None:
        """Ends it all; what waits is not ranked any more."""
        self._closed = True
        if self._thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)
        if self.child is not None:
            self.child.process.kill()
        await asyncio.to_thread(self._thread.join, 10.0)

    def _work(self) -> None:
        while not self._closed:
            job = self._jobs.get()
            if job is None:
                break
            self._one(job)
        self._drop()

    def _one(self, job: Job) -> None:
        name = job.experiment.name
        share = job.experiment.processor_share / self.settings.serving.workers
        budget = self._budgets.setdefault(name, Budget(share, share))
        now = time.monotonic()
        if now < self._retry or not budget.allows(now):
            self._report(job, Tally(sums={SKIPPED: 1.0}))
            return
        try:
            child = self.child = self.child or Child(self.settings)
            request, system = job.request, job.experiment.arms[1].system
            ranked = child.rank(system or "hybrid", request, self.seconds)
        except Exception as error:
            # It may have used the processor all the time.
            budget.spend(time.monotonic() - now)
            self._failed(job, error)
            return
        budget.spend(ranked.processor / 1000)
        self._failures = 0
        self._report(job, _tally(job, ranked))

    def _failed(self, job: Job, error: Exception) -> None:
        self._drop()
        first, last = _RETRY_SECONDS
        self._retry = time.monotonic() + min(first * 2**self._failures, last)
        self._failures += 1
        if not self._closed:
            told = {"experiment": job.experiment.name, "fault": f"{type(error).__name__}: {error}"}
            SERVER.error("a shadow did not rank", extra=told)
            self._report(job, Tally(errors=1))

    def _drop(self) -> None:
        if self.child is not None:
            self.child.kill()
            self.child = None

    def _report(self, job: Job, found: Tally) -> None:
        """From the thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server stops
            self._loop.call_soon_threadsafe(self._tell, job, found)

    def _tell(self, job: Job, found: Tally) -> None:
        baseline, candidate = (arm.name for arm in job.experiment.arms[:2])
        self.counted(Cell(job.experiment.name, candidate, job.minute), found)
        if found.requests:
            self.counted(Cell(job.experiment.name, baseline, job.minute), _served(job))


def _compares(
    experiment: Experiment, asked: SearchRequest, response: SearchResponse, visit: tuple[str, str]
) -> bool:
    """Whether a shadow is to rank a request: a first page in the order of relevance, answered by
    what the shadow is compared with, of a unit that takes part."""
    first = asked.cursor is None and asked.sort == "relevance" and asked.size > 0
    if not first or asked.system is not None or response.teams is not None:
        return False
    baseline = experiment.baseline.system
    if baseline is not None and response.system != baseline:
        return False
    return arm_of(experiment, unit_of(experiment, *visit)) is not None


def _job(
    experiment: Experiment, asked: SearchRequest, response: SearchResponse, milliseconds: float
) -> Job:
    depth = min(DEPTH, asked.size)
    request = replace(
        asked,
        size=depth,
        facets=(),
        highlight=False,
        explain=False,
        treatment=UNTREATED,
        system=experiment.arms[1].system,
        diversity=experiment.arms[1].diversity,
    )
    served = tuple(hit.product.id for hit in response.hits[:depth])
    minute = int(time.time() // 60)
    return Job(experiment, request, served, response.total, milliseconds, minute, depth)


def _served(job: Job) -> Tally:
    return Tally(
        requests=1,
        searches=1,
        without_hits=int(not job.total),
        times=times_of(job.milliseconds),
    )


def _tally(job: Job, ranked: Ranked) -> Tally:
    sums = {PROCESSOR: ranked.processor}
    if ranked.fault is not None:
        return Tally(errors=1, sums=sums)
    same = overlap(job.served, ranked.ids, job.depth)
    biased = rank_biased_overlap(job.served, ranked.ids)
    assert math.isfinite(biased)
    sums |= {COMPARED: 1.0, OVERLAP: same, OVERLAP_SQUARES: same * same, RBO: biased}
    if ranked.fallbacks:
        sums[FALLBACKS] = 1.0
    return Tally(
        requests=1,
        searches=1,
        without_hits=int(not ranked.total),
        times=times_of(ranked.milliseconds),
        sums=sums,
    )
