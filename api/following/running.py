"""A follower from its beginning to its end: one at a time for an index and a topic, told to stop by
a signal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.folding import fold_when_grown
from api.following.address import topic_at
from api.following.follower import Follower, Tell
from api.following.gauges import Gauges, serve_gauges
from api.following.patience import pause
from api.following.rejects import DeadLetters, Rejects
from api.following.stream import Stream
from api.settings import AppSettings
from indexer.live import LiveWriter
from indexer.storage import storage_errors
from search.engines.local.layout import read_current
from search.errors import BadInput
from training.events.producer import Producer

_STANDBY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """What a follower is told on the command line; `since` in seconds since 1970, 0 for the
    beginning of the topic and infinity for its end."""

    url: str
    group: str = "aisle"
    since: float = 0.0
    until_end: bool = False
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    fold_after: int = 0


def follow(settings: AppSettings, asked: Asked, tell: Tell) -> dict[str, Any]:
    """Follows until told to stop (SIGTERM, SIGINT); what became of all changes.

    Raises:
        BadInput: there is no such topic; IndexMissing: no index; StorageFailed: no broker answers.
    """
    return asyncio.run(_follow(settings, asked, tell))


async def _follow(settings: AppSettings, asked: Asked, tell: Tell) -> dict[str, Any]:
    broker, topic = topic_at(asked.url, settings)
    broker.options()  # refuses what cannot be used before anything is waited for
    read_current(settings.data)
    letters = settings.catalogue.dead_letters
    if letters == topic:
        raise BadInput(
            f"[catalogue] dead_letters is the topic that is followed; to read dead letters again, "
            f"name another for this once: AISLE_CATALOGUE__DEAD_LETTERS={topic}.again",
            field="catalogue.dead_letters",
        )
    folder, gauges = settings.data / "following", Gauges()
    producer = Producer(broker)
    writer = LiveWriter(settings)
    with _metrics(gauges, asked), stop_signals() as stop:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(producer.close)
            await stack.enter_async_context(_alone(folder / f"{topic}.lock", gauges, tell, stop))
            follower = Follower(
                writer,
                Stream(broker, topic, asked.group),
                Rejects(
                    folder / f"{topic}.rejects.jsonl",
                    DeadLetters(producer, letters) if letters else None,
                ),
                gauges,
                tell,
                settings.catalogue,
                asked.since,
                asked.until_end,
            )
            await stack.enter_async_context(_folding(settings, writer, asked.fold_after))
            await follower.run(stop)
    return {name: follower.totals[name] for name in _TOTALS}


_TOTALS = (
    "records", "batches", "upserted", "patched", "deleted", "missing", "rejected", "lost", "waits",
)  # fmt: skip


@contextlib.contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set, in a running loop."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _metrics(gauges: Gauges, asked: Asked) -> Iterator[None]:
    if asked.metrics_port is None:
        yield
        return
    server = serve_gauges(gauges, asked.metrics_host, asked.metrics_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextlib.asynccontextmanager
async def _alone(
    path: Path, gauges: Gauges, tell: Tell, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Holds a lock; another follower of the same topic into the same index stands by, and takes
    over when this one ends, however it ends."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        told = False
        while not stop.is_set() and not _taken(handle):
            if not told:
                tell("standby", process=os.pread(handle, 20, 0).decode(errors="replace"))
            told = True
            gauges.alive()
            await pause(stop, _STANDBY_SECONDS)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.truncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return True


@contextlib.asynccontextmanager
async def _folding(settings: AppSettings, writer: LiveWriter, after: int) -> AsyncIterator[None]:
    """Folds grown changes into a new snapshot meanwhile, where no server does."""
    serving = settings.serving.model_copy(update={"fold_after": after})
    chosen = settings.model_copy(update={"serving": serving})
    task = asyncio.create_task(fold_when_grown(chosen, writer))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
