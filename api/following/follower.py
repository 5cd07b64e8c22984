"""From a topic of changes into an index, each exactly once in its effect.

A batch and how far the topic was read with it become the index's in one step, so whatever dies at
whatever moment, reading goes on where the index is. What cannot be read as a change is set aside;
what refuses for a while (brokers, the disk) is waited for, and nothing is skipped.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from api.changes import Fault
from api.following.freshness import freshness_of, lag_of
from api.following.gauges import Gauges
from api.following.patience import Patience, pause
from api.following.records import Taken, checked, faulty, taken
from api.following.rejects import Rejects
from api.following.stream import Stream
from api.kafka_settings import CatalogueSettings
from indexer.live import LiveWriter
from indexer.reading import PositionsMoved, Reading
from search.engines.local.positions import Position, Positions
from search.errors import AisleError, BadInput
from search.types import Applied, Change

Tell = Callable[..., None]
"""Hears what happens: the event's name, and what there is to know of it."""

_WAIT_SECONDS = 0.5
_FEWEST = 20
_AT_FIRST = 250


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records in the order they were read; where the index stood before, and stands after."""

    records: tuple[Taken, ...]
    before: Mapping[str, int | None]
    after: Positions

    @property
    def changes(self) -> list[Change]:
        return [one.change for one in self.records if not isinstance(one.change, Fault)]

    def halves(self) -> tuple[_Batch, _Batch]:
        """Its first records and the others, each with its own positions."""
        first = self.records[: len(self.records) // 2]
        reached = {one.name: one for one in first}
        middle = {
            name: Position(one.offset + 1, one.time, self.after[name].behind)
            for name, one in reached.items()
        }
        then = {**self.before, **{name: at.offset for name, at in middle.items()}}
        rest = self.records[len(first) :]
        return _Batch(first, self.before, middle), _Batch(rest, then, self.after)


@dataclass(slots=True)
class Follower:
    """Brings one index up to date with one stream. `since` is where to begin what the index has
    never read (seconds since 1970); with `until_end` it stops once it has what was there when it
    began."""

    writer: LiveWriter
    stream: Stream
    rejects: Rejects
    gauges: Gauges
    tell: Tell
    settings: CatalogueSettings
    since: float = 0.0
    until_end: bool = False
    totals: Counter[str] = field(default_factory=Counter)
    _patience: Patience = field(default_factory=Patience)
    _began: bool = False
    _pending: _Batch | None = None
    _saved: float = 0.0
    _most: int = _AT_FIRST
    _ends: Mapping[str, int] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, or the end of what is to be read; the batch at hand is finished first.

        Raises:
            BadInput, StorageFailed, IndexMissing, …: it cannot even begin.
        """
        try:
            while not stop.is_set() and not self._done():
                self.gauges.alive()
                try:
                    await self._step()
                except PositionsMoved as error:
                    self.tell("moved", reason=str(error))
                    self._began, self._pending = False, None
                    await pause(stop, self._patience.next())
                except AisleError as error:
                    if self._ends is None:
                        raise
                    await self._wait(error, stop)
        finally:
            if self._began and self._pending is None:
                self.stream.commit(self.stream.after())
            await self.stream.close()

    def _done(self) -> bool:
        if not self.until_end or self._ends is None or not self._began:
            return False
        reached = self.stream.before
        return all((reached.get(name) or 0) >= end for name, end in self._ends.items())

    async def _begin(self) -> None:
        """Goes to where the index stands."""
        positions = await asyncio.to_thread(self.writer.positions)
        lost = await self.stream.begin(positions, self.since)
        self._began, self._pending = True, None
        for each in lost:
            self.tell("lost", partition=each.name, records=each.count, anew=each.anew)
            self.totals["lost"] += each.count
        if self._ends is None:
            self._ends = {n: at.offset + at.behind for n, at in self.stream.after().items()}
        self.tell(
            "following", topic=self.stream.topic, positions=_offsets(self.stream.after()),
            lag=lag_of(self.stream.after()),
        )  # fmt: skip
        await self._save()

    async def _step(self) -> None:
        if not self._began:
            await self._begin()
        if self._pending is None:
            self._pending = await self._read()
        if self._pending is not None:
            await self._apply(self._pending)
            self._pending = None
            self._resumed()
        else:
            await self._idle()
        if self.stream.grown:
            self._began = False

    async def _read(self) -> _Batch | None:
        chosen, before = self.settings, self.stream.before
        most = min(self._most, chosen.batch_changes)
        records = await self.stream.read(
            most, chosen.batch_bytes, _WAIT_SECONDS, chosen.linger_seconds
        )
        after = self.stream.after()
        self.gauges.reached(after)
        if not records:
            return None
        read = await asyncio.to_thread(
            lambda: tuple(taken(name, one, chosen.record_bytes) for name, one in records)
        )
        return _Batch(read, before, after)

    async def _apply(self, batch: _Batch) -> None:
        reading = Reading(batch.before, batch.after)
        unknown = partial(self.writer.unknown, reading=reading)
        known = await asyncio.to_thread(checked, batch.records, unknown)
        batch = replace(batch, records=known)
        await self._set_aside(faulty(batch.records))
        started = time.perf_counter()
        work = partial(self.writer.apply, batch.changes, reading)
        try:
            applied = await asyncio.to_thread(work)
        except BadInput as error:
            if type(error) is not BadInput:  # what answers is not what the settings mean
                raise
            await self._apply_apart(batch, error)
            return
        seconds = time.perf_counter() - started
        self._now_at(batch.after)
        self._count(batch, applied, seconds)
        self._pace(len(batch.records), seconds)

    def _pace(self, records: int, seconds: float) -> None:
        """Chooses the size of batches by what one takes: many at once are cheaper, but new words
        are encoded at a few dozen a second, and what waits behind them is to be found soon."""
        target = self.settings.batch_seconds
        if seconds > target:
            self._most = max(_FEWEST, int(records * target / seconds))
        elif records >= self._most and seconds < target / 2:
            self._most = min(2 * self._most, self.settings.batch_changes)

    async def _apply_apart(self, batch: _Batch, error: BadInput) -> None:
        """Finds the change that cannot be made among others that can."""
        good = [one for one in batch.records if not isinstance(one.change, Fault)]
        if len(good) > 1:
            for half in batch.halves():
                await self._apply(half)
            return
        remedy = "mend it and send it again; what came after it was not held up"
        fault = Fault(0, error.field, str(error), remedy)
        await self._set_aside([(one, fault) for one in good])
        await asyncio.to_thread(self.writer.apply, [], Reading(batch.before, batch.after))
        self._now_at(batch.after)

    async def _set_aside(self, refused: Sequence[tuple[Taken, Fault]]) -> None:
        told = await self.rejects.add(refused)
        self.totals["rejected"] += len(told)
        self.gauges.changes.labels("rejected").inc(len(told))
        for line in told:
            self.tell("rejected", **line)

    async def _save(self) -> None:
        """Says in the index how far it is up to date, though nothing has changed."""
        after = self.stream.after()
        reading = Reading(self.stream.before, after)
        await asyncio.to_thread(self.writer.apply, [], reading)
        self._now_at(after)
        self.stream.commit(after)

    def _now_at(self, positions: Positions) -> None:
        self.stream.saved(positions)
        self.gauges.reached(positions)
        self._saved = time.monotonic()

    def _count(self, batch: _Batch, applied: Applied, seconds: float) -> None:
        sent = [one.time for one in batch.records if not isinstance(one.change, Fault)]
        self.gauges.applied(applied, sent, seconds)
        counts = {
            "upserted": applied.upserted,
            "patched": applied.patched,
            "deleted": applied.deleted,
            "missing": len(applied.missing),
        }
        self.totals.update(records=len(batch.records), batches=1, **counts)
        self.tell(
            "applied", version=applied.version, records=len(batch.records), **counts,
            seconds=round(seconds, 4), lag=lag_of(batch.after),
            freshness_seconds=round(freshness_of(batch.after), 3),
            positions=_offsets(batch.after),
        )  # fmt: skip

    async def _idle(self) -> None:
        """Nothing came. Brokers that fall silent are no error to the client, so it is noticed
        here; otherwise all is up to date, and says so now and then."""
        broker = self.stream.broker
        if self.stream.silent_seconds > broker.timeout:
            if not self.gauges.reason:
                self._away(f"Kafka at {broker.servers} does not answer; check that it runs")
            return
        self._resumed()
        ahead = any(
            self.stream.before[name] != at.offset for name, at in self.stream.after().items()
        )
        due = time.monotonic() - self._saved >= self.settings.heartbeat_seconds
        if due or (ahead and self.until_end):
            await self._save()

    def _resumed(self) -> None:
        self._patience.restored()
        if self.gauges.reason:
            self.gauges.wait_for("")
            self.tell("resumed")

    def _away(self, reason: str) -> None:
        self.gauges.wait_for(reason)
        self.totals["waits"] += 1
        self.tell("waiting", reason=reason)

    async def _wait(self, error: AisleError, stop: asyncio.Event) -> None:
        if self.stream.closed:
            self._began, self._pending = False, None
        if self.gauges.reason != str(error):
            self._away(str(error))
        await pause(stop, self._patience.next())


def _offsets(positions: Positions) -> dict[str, Any]:
    return {name.rpartition("/")[2]: at.offset for name, at in positions.items()}
