"""The event log on Kafka: for shops whose servers are many, or must not keep anything.

One thread with an event loop of its own holds an idempotent producer that waits for all replicas in
sync (`acks=all`). What was sent stays there until `training.events.pulling` brings it into the log
on files that everything reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import islice

from search.errors import StorageFailed
from search.types import Event, LoggedSearch
from training.events.broker import Broker, TooLarge
from training.events.file_log import RecentIds
from training.events.producer import Producer
from training.events.records import Record, counts_record, event_records, search_record
from training.events.rotation import LogLimits
from training.events.seams import Quarantined, Receipt


class KafkaEventLog:
    """An `EventLog` in two topics. Each process has its own producer.

    When the broker refuses or keeps silent, `append` raises; some of that batch may have reached
    it all the same, and counts once when sent again, by its ids. `dropped` counts searches that
    were not kept, `duplicates` events that had been.
    """

    def __init__(self, broker: Broker, limits: LogLimits | None = None) -> None:
        """Writes nothing until there is something to write.

        Raises:
            BadInput: the settings cannot be used.
        """
        broker.options()
        self._broker = broker
        self._limits = limits or LogLimits()
        self._producer = Producer(broker)
        self._searches: deque[LoggedSearch] = deque()
        self._recent = RecentIds(self._limits.remembered)
        self._untold: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = asyncio.Event()
        self._closing = False
        self._appending = 0
        self.dropped = 0
        self.duplicates = 0

    @property
    def waiting(self) -> int:
        """How many searches wait to be written."""
        return len(self._searches)

    async def append(
        self, events: Sequence[Event], quarantined: Sequence[Quarantined] = ()
    ) -> Receipt:
        """Keeps a batch; returns when the broker has it.

        Raises:
            StorageFailed: the broker refused or did not answer in time, or the log is closed.
            BadInput: an event is no JSON, or longer than a record may be.
        """
        if not events and not quarantined:
            return Receipt(0)
        loop = self._start(appending=1)
        work = asyncio.run_coroutine_threadsafe(self._append(events, quarantined), loop)
        work.add_done_callback(self._appended)  # also when it is canceled before it begins
        return await asyncio.wrap_future(work)

    async def _append(self, events: Sequence[Event], quarantined: Sequence[Quarantined]) -> Receipt:
        fresh: dict[str, Event] = {}
        for event in events:
            if event.id not in self._recent:
                fresh.setdefault(event.id, event)
        await self._producer.send(event_records(self._broker, fresh.values(), quarantined))
        self._recent.add(dict.fromkeys(fresh))
        duplicates = len(events) - len(fresh)
        self._count(duplicates=duplicates)
        return Receipt(len(events), duplicates, len(quarantined))

    def _appended(self, _: Future[Receipt]) -> None:
        with self._lock:
            self._appending -= 1

    def search(self, logged: LoggedSearch) -> bool:
        """Keeps an answered search soon; False when too many wait, and then it is dropped."""
        if self._closing or len(self._searches) >= self._limits.waiting:
            self._count(dropped=1)
            return False
        self._searches.append(logged)
        if self._loop is None:
            self._start()
        return True

    async def close(self) -> None:
        """Writes what waits, for as long as the broker may take to answer, then stops."""
        with self._lock:
            self._closing = True
            loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            if thread.is_alive():
                loop.call_soon_threadsafe(self._stop.set)
            await asyncio.to_thread(thread.join)

    def _count(self, *, dropped: int = 0, duplicates: int = 0) -> None:
        with self._lock:
            self.dropped += dropped
            self.duplicates += duplicates
            self._untold.update(dropped=dropped, duplicates=duplicates)

    def _start(self, appending: int = 0) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closing:
                raise StorageFailed(f"the event log on Kafka at {self._broker.servers} is closed")
            self._appending += appending
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop,), name="event-log", daemon=True
                )
                self._thread.start()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        """Sends searches as they come; at the end, those that wait."""
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._limits.linger_seconds)
            await self._send_searches()
        while self._appending:  # noqa: ASYNC110 - other threads begin them
            await asyncio.sleep(0.01)
        while (self._searches or self._told()) and await self._send_searches():
            pass
        self._count(dropped=len(self._searches))
        self._searches.clear()
        await self._producer.close()

    def _told(self) -> dict[str, int]:
        """What is to be counted and is not yet on the broker."""
        with self._lock:
            return {name: count for name, count in self._untold.items() if count}

    async def _send_searches(self) -> bool:
        """Sends some of those that wait; they leave the queue when the broker has them. Whether it
        took them; if not, they are sent again (and count once)."""
        taken = list(islice(self._searches, self._limits.group_searches))
        made = [search_record(self._broker, logged) for logged in taken]
        records: list[Record] = [record for record in made if record is not None]
        counts = self._told() if records or self._stop.is_set() else {}
        if counts:
            records.append(counts_record(self._broker, counts))
        dropped = made.count(None)
        try:
            await self._producer.send(records)
        except TooLarge:  # would stop all that come after
            dropped, counts = len(taken), {}
        except StorageFailed:
            return False
        with self._lock:
            self._untold.subtract(counts)
        for _ in taken:
            self._searches.popleft()
        self._count(dropped=dropped)
        return True
