"""The event log of this process: what is logged of searches, and whether logging works."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from api.errors import EventsAway
from api.kafka_settings import broker_of
from api.logs import SERVER
from api.metrics import Metrics
from api.search_log import Visit, logged_search
from api.settings import AppSettings
from search.errors import StorageFailed
from search.types import Event, SearchRequest, SearchResponse
from training.events import Pseudonyms, Quarantined, Receipt, Rules
from training.events.file_log import FileEventLog
from training.events.kafka import KafkaEventLog
from training.events.layout import LogLayout
from training.events.rotation import LogLimits

DAY = 86_400.0


class HeldLog:
    """Keeps searches and events, as the settings say. What the disk refuses stops no search: it is
    counted, and events are answered with 503. Several processes have one each."""

    def __init__(self, settings: AppSettings, metrics: Metrics) -> None:
        """Writes nothing until there is something to write."""
        chosen = settings.events
        self.rules = Rules(event_bytes=chosen.event_bytes, late_seconds=chosen.late_days * DAY)
        self.pseudonym = Pseudonyms(LogLayout.of(settings.data).salts, chosen.salt_days)
        self._enabled, self._share = chosen.enabled, chosen.feature_share
        self._log = _open(settings)
        self._retry = "" if chosen.kafka else "nothing was kept, "
        self._faults: dict[str, str] = {}
        self._metrics = metrics

    @property
    def status(self) -> str:
        """`on`, `off`, or what is wrong."""
        if not self._enabled:
            return "off"
        if not self._faults and self._log.dropped:
            return f"on; not logged since the start: {self._log.dropped} searches"
        return "; ".join(self._faults.values()) or "on"

    @property
    def waiting(self) -> int:
        """How many searches wait to be written."""
        return self._log.waiting

    @property
    def dropped(self) -> int:
        """How many searches were not logged since the start."""
        return self._log.dropped

    def search(self, asked: SearchRequest, response: SearchResponse, visit: Visit) -> None:
        """Logs an answered search in the background; one that cannot be logged is counted."""
        if not (self._enabled and visit.logged):
            return
        try:
            visit = replace(visit, client=self.pseudonym(visit.client))
            self._faults.pop("salts", None)
        except StorageFailed as error:
            self._failed("salts", error)
            visit = replace(visit, client="")
        logged = logged_search(asked, response, visit, time.time(), self._share)
        if self._log.search(logged):
            self._metrics.searches_logged.inc()
        self.observe()

    async def append(
        self, events: Sequence[Event], quarantined: Sequence[Quarantined] = ()
    ) -> Receipt:
        """Keeps events; returns when they are durable.

        Raises:
            EventsAway: the disk refuses; nothing of the batch counts.
        """
        try:
            receipt = await self._log.append(events, quarantined)
        except StorageFailed as error:
            self._failed("disk", error)
            raise EventsAway(f"{error}; {self._retry}send the events again later") from error
        self._faults.clear()
        self.observe()
        return receipt

    async def close(self) -> None:
        """Writes what waits, then stops."""
        await self._log.close()
        self.observe()

    def _failed(self, what: str, error: StorageFailed) -> None:
        """Once per fault, not once per search."""
        if self._faults.get(what) != str(error):
            SERVER.error("events cannot be logged", extra={"reason": str(error)})
        self._faults[what] = str(error)

    def observe(self) -> None:
        """Brings the gauges up to date."""
        self._metrics.searches_waiting.set(self._log.waiting)
        self._metrics.searches_not_logged.set(self._log.dropped)


def _open(settings: AppSettings) -> FileEventLog | KafkaEventLog:
    limits = LogLimits(waiting=settings.events.queue)
    if settings.events.kafka is None:
        return FileEventLog(settings.data, limits)
    return KafkaEventLog(broker_of(settings.events.kafka, settings.kafka), limits)
