"""Machines that share snapshots: who may write, what is sent by itself, and how far each is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.errors import NotTheWriter
from indexer.artifacts.status import Status, read_status
from search.errors import BadInput
from search.settings import Settings

if TYPE_CHECKING:
    from api.metrics import Metrics


def require_writer(settings: Settings, what: str = "changes") -> None:
    """Lets a request through on the machine whose index changes.

    Raises:
        NotTheWriter: this one serves what another sends it; names that.
    """
    if settings.artifacts.fetched:
        raise NotTheWriter(
            f"this server is a replica and takes no {what}; send them to {_writer(settings)}"
        )


def require_writing(settings: Settings) -> None:
    """The same for commands, which change the data directory themselves.

    Raises:
        BadInput: it is a replica's.
    """
    if settings.artifacts.fetched:
        raise BadInput(
            f"{settings.data} is a replica's, which is fetched from {settings.artifacts.location}; "
            f"run this on {_writer(settings)}",
            field="artifacts.role",
        )


def _writer(settings: Settings) -> str:
    status = read_status(settings.data)
    return settings.artifacts.writer or (status.writer if status else "") or "the writer"


def status_of(settings: Settings) -> Status | None:
    """How far this machine is; None where nothing is shared."""
    if settings.artifacts.location is None:
        return None
    return read_status(settings.data) or Status(settings.artifacts.location, since=time.time())


def observe_artifacts(settings: Settings, metrics: Metrics) -> None:
    """Brings the gauges up to date."""
    status = status_of(settings)
    if status is not None:
        metrics.artifacts_behind.set(status.behind())
        metrics.artifacts_fault.set(status.phase == "fault")
        metrics.artifacts_lag.set(status.lag)
        left = status.total - status.done if status.phase == "working" else 0
        metrics.artifacts_left.set(left)


@contextmanager
def sharing(settings: Settings) -> Iterator[None]:
    """Sends what a command changes while it changes it, and the rest at its end.

    Raises:
        BadInput: this is a replica, or the location cannot be used.
    """
    require_writing(settings)
    from indexer.artifacts import Background

    background = Background(settings)
    background.start()
    try:
        yield
    finally:
        background.stop()
    push_after(settings)


def push_after(settings: Settings, *, quiet: bool = True) -> None:
    """Sends what a command has changed, where machines share it. A store that is away is said, and
    no error of the command: what is here is sound, and is sent with the next change.

    Raises:
        BadInput: the location cannot be used.
    """
    if settings.artifacts.location is None or settings.artifacts.fetched:
        return
    from api.commands.console import say, stages
    from indexer.artifacts import Pusher
    from search.errors import IndexMissing, StorageFailed

    try:
        with stages(quiet=quiet) as progress:
            Pusher(settings).push(progress)
    except (StorageFailed, IndexMissing) as error:
        say(f"Not sent: {error}; then run: aisle artifacts push --data {settings.data}")
