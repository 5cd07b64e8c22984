"""The event log of this process, opened and held: a log that cannot be used stops no search."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from api.errors import EventsAway, EventsOff
from api.logs import SERVER
from api.metrics import Metrics
from api.search_log import Visit, logged_search
from api.settings import EventSettings
from search.errors import AisleError, StorageFailed
from search.types import Event, SearchRequest, SearchResponse
from training.events import EventLog, Receipt

RETRY_SECONDS = 10.0
"""How long until a log that could not be opened is tried again."""


class HeldLog:
    """Opens the log when serving starts. One that cannot be opened is tried again when events come;
    until then searches are answered, and counted as not logged."""

    def __init__(
        self, settings: EventSettings, opener: Callable[[], EventLog], metrics: Metrics
    ) -> None:
        """Opens nothing yet; `opener` blocks."""
        self.settings = settings
        self.fault: str | None = None
        """Why nothing can be logged now; None when it can, or is not to be."""
        self._opener = opener
        self._metrics = metrics
        self._log: EventLog | None = None
        self._turn = asyncio.Lock()
        self._tried = -RETRY_SECONDS

    @property
    def status(self) -> str:
        """`on`, `off`, or the fault."""
        return (self.fault or "on") if self.settings.enabled else "off"

    async def open(self) -> EventLog | None:
        """The open log; None where it cannot be opened, which `fault` explains."""
        async with self._turn:
            due = time.monotonic() >= self._tried + RETRY_SECONDS
            if self._log is None and self.settings.enabled and due:
                self._tried = time.monotonic()
                try:
                    self._log = await asyncio.to_thread(self._opener)
                except AisleError as error:
                    self._failed(error)
                else:
                    self.fault = None
            return self._log

    async def keep_trying(self) -> None:
        """Opens the log as soon as that is possible."""
        while self.settings.enabled and await self.open() is None:  # noqa: ASYNC110 - a disk mends
            await asyncio.sleep(RETRY_SECONDS)

    def search(self, asked: SearchRequest, response: SearchResponse, visit: Visit) -> None:
        """Logs an answered search in the background; one that cannot be logged is counted."""
        if not (self.settings.enabled and visit.logged):
            return
        share = self.settings.feature_share
        logged = logged_search(asked, response, visit, time.time(), share)
        taken = self._log is not None and self._log.search(logged)
        self._metrics.searches_logged.labels("logged" if taken else "dropped").inc()

    async def append(self, events: Sequence[Event]) -> Receipt:
        """Keeps events; returns when they are durable.

        Raises:
            EventsOff: the shop logs nothing.
            EventsAway: the disk refuses; nothing of the batch counts.
        """
        if not self.settings.enabled:
            raise EventsOff("this shop logs no events; set [events] enabled = true to log them")
        log = await self.open()
        if log is None:
            raise EventsAway(f"{self.fault}; send the events again later")
        try:
            return await log.append(events)
        except StorageFailed as error:
            raise EventsAway(f"{error}; send the events again later") from error

    async def close(self) -> None:
        """Writes what waits, then stops."""
        if self._log is not None:
            await self._log.close()

    def _failed(self, error: AisleError) -> None:
        """Once per fault, not once per attempt."""
        if str(error) != self.fault:
            SERVER.error("events cannot be logged", extra={"reason": str(error)})
        self.fault = str(error)
