"""The event log on files: one thread writes, batches that wait share one fsync."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from search.errors import BadInput, StorageFailed
from search.types import Event, LoggedSearch
from training.events.disk import storage_failed
from training.events.frames import Kind, frame
from training.events.layout import LogLayout
from training.events.rotation import LogLimits, Rotation
from training.events.rows import event_row, lines, quarantined_row, search_row
from training.events.seams import Quarantined, Receipt


@dataclass(slots=True)
class _Batch:
    events: Sequence[Event]
    quarantined: Sequence[Quarantined]
    receipt: Future[Receipt] = field(default_factory=Future)


@dataclass(slots=True)
class _Group:
    """What one fsync makes durable."""

    frames: list[bytes] = field(default_factory=list)
    ids: dict[str, None] = field(default_factory=dict)
    receipts: list[tuple[Future[Receipt], Receipt]] = field(default_factory=list)
    searches: int = 0


class RecentIds:
    """At least the `limit // 2` ids that were added last; at most `limit`, if added in small
    groups."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._new: dict[str, None] = {}
        self._old: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._new or name in self._old

    def add(self, names: Mapping[str, None]) -> None:
        """Remembers ids; forgets old ones a half at a time, which costs nothing."""
        self._new.update(names)
        if len(self._new) >= self._half:
            self._old, self._new = self._new, {}


class FileEventLog:
    """An `EventLog` in `DATA/events`. Each process has its own, and writes its own segments.

    Ids of recent events are remembered, so that most of what is sent twice is found at once; the
    rest (sent again after a restart, or to another process) is found when the log is read or
    compacted. `dropped` counts searches that were not kept, `duplicates` events that had been.
    """

    def __init__(
        self,
        data: Path,
        limits: LogLimits | None = None,
        *,
        fsync: Callable[[int], None] = os.fsync,
    ) -> None:
        self._limits = limits or LogLimits()
        self._rotation = Rotation(LogLayout.of(data), self._limits, fsync)
        self._place = data
        self._wake = threading.Condition()
        self._batches: list[_Batch] = []
        self._searches: deque[LoggedSearch] = deque()
        self._recent = RecentIds(self._limits.remembered)
        self._untold: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._closing = False
        self.dropped = 0
        self.duplicates = 0

    @property
    def waiting(self) -> int:
        """How many searches wait to be written."""
        return len(self._searches)

    async def append(
        self, events: Sequence[Event], quarantined: Sequence[Quarantined] = ()
    ) -> Receipt:
        """Keeps a batch; returns when it is on disk.

        Raises:
            StorageFailed: the disk refused, or the log is closed; nothing of the batch counts.
        """
        if not events and not quarantined:
            return Receipt(0)
        batch = _Batch(events, quarantined)
        with self._wake:
            self._start()
            self._batches.append(batch)
            self._wake.notify()
        return await asyncio.wrap_future(batch.receipt)

    def search(self, logged: LoggedSearch) -> bool:
        """Keeps an answered search soon; False when too many wait, and then it is dropped."""
        if self._closing or len(self._searches) >= self._limits.waiting:
            self._drop(1)
            return False
        self._searches.append(logged)
        if self._thread is None:
            with self._wake:
                self._start()
        return True

    async def close(self) -> None:
        """Writes what waits, then stops."""
        with self._wake:
            self._closing = True
            self._wake.notify()
            thread = self._thread
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def _drop(self, count: int) -> None:
        with self._wake:
            self.dropped += count
            self._untold["dropped"] += count

    def _start(self) -> None:
        if self._closing:
            raise StorageFailed(f"the event log of {self._place} is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._batches and not self._closing:
                    self._wake.wait(self._limits.linger_seconds)
                batches, self._batches = self._batches, []
                closing = self._closing
            self._write(batches)
            if closing and not self._batches and not self._searches:
                break
        self._rotation.close()

    def _write(self, batches: Iterable[_Batch]) -> None:
        group = _Group()
        for batch in batches:
            if batch.receipt.set_running_or_notify_cancel():
                self._add(batch, group)
        self._add_searches(group)
        self._add_counts(group)
        try:
            self._rotation.write(b"".join(group.frames))
        except OSError as error:
            self._fail(group, storage_failed(self._place / "events", error))
            return
        self._recent.add(group.ids)
        for future, receipt in group.receipts:
            future.set_result(receipt)

    def _add(self, batch: _Batch, group: _Group) -> None:
        fresh: dict[str, Event] = {}
        for event in batch.events:
            if event.id not in self._recent and event.id not in group.ids:
                fresh.setdefault(event.id, event)
        try:
            kept = lines(event_row(event) for event in fresh.values())
            apart = lines(quarantined_row(one) for one in batch.quarantined)
        except Exception as error:  # whatever it is, it is this batch's: others must go on
            batch.receipt.set_exception(BadInput(f"an event cannot be written as JSON: {error}"))
            return
        duplicates = len(batch.events) - len(fresh)
        group.frames += [frame(Kind.events, kept)] if kept else []
        group.frames += [frame(Kind.quarantined, apart)] if apart else []
        group.ids.update(dict.fromkeys(fresh))
        receipt = Receipt(len(batch.events), duplicates, len(batch.quarantined))
        group.receipts.append((batch.receipt, receipt))
        if duplicates:
            with self._wake:
                self.duplicates += duplicates
                self._untold["duplicates"] += duplicates

    def _add_searches(self, group: _Group) -> None:
        taken = min(len(self._searches), self._limits.group_searches)
        rows = []
        for _ in range(taken):
            try:
                rows.append(lines([search_row(self._searches.popleft())]))
            except Exception:  # one search that cannot be written must not stop the log
                self._drop(1)
        if rows:
            group.frames.append(frame(Kind.searches, b"".join(rows)))
            group.searches = len(rows)

    def _add_counts(self, group: _Group) -> None:
        with self._wake:
            if self._untold and (group.frames or self._closing):
                group.frames.append(frame(Kind.counts, orjson.dumps(dict(self._untold))))
                self._untold.clear()

    def _fail(self, group: _Group, error: StorageFailed) -> None:
        if group.searches:
            self._drop(group.searches)
        for future, _ in group.receipts:
            future.set_exception(error)
