"""What the requests share: the open index, the writer, the metrics. One per process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from api.collecting import keep_aside
from api.event_log import HeldLog
from api.experiments.book import ExperimentBook
from api.experiments.opening import fault_of, open_store
from api.experiments.shadow import Shadows
from api.experiments.steering import RegistryPromoter, Steering
from api.folding import fold_when_grown
from api.following.publishing import open_publisher
from api.logs import SERVER
from api.metrics import Metrics
from api.replicas import status_of
from api.security import KeyBook, Rates
from api.settings import AppSettings
from api.suggesters import Suggesters
from indexer.artifacts import Background
from indexer.live import LiveWriter
from search.build import Search, open_search
from search.errors import AisleError, IndexMissing
from search.resilience import CLOSED, Turns, watching
from search.types import Applied, Change

_EACH = 2
"""Searches at once for each processor: while one is read from memory, another computes."""


def turns_of(settings: AppSettings) -> Turns:
    """How many searches this process works on at once."""
    share = max(1, settings.threads // settings.serving.workers)
    usual = _EACH * share if settings.engine == "embedded" else settings.limits.concurrency
    return Turns(settings.serving.at_once or usual, settings.limits.stage_seconds / 4)


class AppState:
    """Opens the index when there is one, and keeps looking until then: a server may be started
    before the first catalogue is indexed."""

    def __init__(self, settings: AppSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.suggesters = Suggesters()
        self.keys = KeyBook(settings)
        self.rates = Rates(settings, metrics)
        self.event_log = HeldLog(settings, metrics)
        chosen = settings.experiments
        self.experiments = ExperimentBook(open_store(settings), self.prepare, chosen.watch_seconds)
        self.steering = Steering(
            self.experiments.store, RegistryPromoter(settings), chosen.steer_seconds
        )
        self.shadows = Shadows(settings, self.experiments.counter.count)
        self.turns = turns_of(settings)
        self._search: Search | None = None
        self._failure: AisleError = IndexMissing(
            f"{settings.data} holds no index yet; run aisle index FILE --data {settings.data}"
        )
        self._told = str(self._failure)
        self._writer = LiveWriter(settings)
        self.publisher = open_publisher(settings)
        self._artifacts = Background(settings)
        self._writing = ThreadPoolExecutor(1, "aisle-write")
        self._breakers: dict[str, int] = {}

    @property
    def away(self) -> tuple[str, ...]:
        """What does not answer now, and is not asked until it does."""
        return tuple(sorted(name for name, state in self._breakers.items() if state != CLOSED))

    def _guarded(self, name: str, state: int) -> None:
        self._breakers[name] = state
        self.metrics.breaker.labels(name).set(state)

    @property
    def search(self) -> Search:
        """The open index.

        Raises:
            IndexMissing, IndexCorrupt: there is nothing (sound) to serve.
        """
        if self._search is None:
            raise self._failure
        return self._search

    def _fetching(self, error: AisleError) -> AisleError:
        """While a replica has nothing yet: what it waits for."""
        status = status_of(self.settings) if isinstance(error, IndexMissing) else None
        if status is None or not self.settings.artifacts.fetched:
            return error
        return IndexMissing(f"{self.settings.data} holds no index yet; fetching {status.text}")

    async def open(self) -> bool:
        """Tries to open the index; says whether one is open."""
        if self._search is None:
            try:
                self._search = await open_search(
                    self.settings, query_cache=self.settings.serving.query_cache
                )
            except AisleError as error:
                self._failure = self._fetching(error)
                if str(error) != self._told:
                    SERVER.warning("not ready", extra={"reason": str(self._failure)})
                self._told = str(error)
            else:
                view = await self._search.engine.view()
                SERVER.info("ready", extra={"version": view.version, "products": view.count})
        self.metrics.ready.set(self._search is not None)
        return self._search is not None

    async def prepare(self, names: Sequence[str]) -> Sequence[str]:
        """Opens systems by name; says of each that cannot be used why."""
        faults = []
        for name in names:
            if self._search is None:
                return (str(self._failure),)
            self._search, fault = await fault_of(self._search, self.settings, name)
            faults += [] if fault is None else [fault]
        return faults

    async def apply(self, changes: Sequence[Change]) -> Applied:
        """Applies changes, one batch after another; they are visible here when this returns.

        Raises:
            IndexMissing: there is no index to change.
            EngineUnavailable: what holds the words is away; nothing of the batch is applied.
            StorageFailed: the disk refused; nothing of the batch is applied.
        """
        engine = self.search.engine
        loop = asyncio.get_running_loop()
        async with engine.changing():
            applied = await loop.run_in_executor(self._writing, self._writer.apply, changes)
        await engine.refresh()
        return applied

    async def _wait_for_index(self) -> None:
        """Until there is one; the engine itself follows what comes after."""
        while not await self.open():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(self.settings.serving.watch_seconds)

    async def _snapshot(self) -> str | None:
        """The snapshot that is open, None when none is."""
        if self._search is None:
            return None
        view = await self._search.engine.view()
        return view.version.partition(".")[0]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that lives as long as the server."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self.settings.threads + 2, "aisle"))
        following = contextlib.AsyncExitStack()
        following.enter_context(watching(self._guarded))
        await asyncio.to_thread(self.keys.refresh)
        await self.open()
        self._artifacts.start()
        tasks = [
            asyncio.create_task(self.keys.follow()),
            asyncio.create_task(self._wait_for_index()),
            asyncio.create_task(fold_when_grown(self.settings, self._writer)),
            asyncio.create_task(keep_aside(self._snapshot)),
        ]
        await following.enter_async_context(self.rates.following())
        if self.settings.experiments.enabled:
            await following.enter_async_context(self.experiments.following())
            await following.enter_async_context(self.steering.steering())
            following.push_async_callback(self.shadows.close)
        try:
            yield
        finally:
            await following.aclose()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self._artifacts.stop)
            self._writing.shutdown(wait=True)
            await self.event_log.close()
            if self.publisher is not None:
                await self.publisher.close()
            if self._search is not None:
                await self._search.close()
