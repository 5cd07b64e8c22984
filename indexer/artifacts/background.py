"""Sending and fetching beside a running server: in a thread, in one process of the machine."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from indexer.artifacts.announce import Listener
from indexer.artifacts.fetching import Gone, Stopped
from indexer.artifacts.local import FOLDER
from indexer.artifacts.pull import Puller
from indexer.artifacts.push import Pusher
from indexer.artifacts.status import Status, read_status, write_status
from indexer.storage import storage_errors
from search.errors import AisleError, IndexMissing
from search.settings import Settings

LOOK_SECONDS = 0.2
"""How often the writer looks whether there is something to send: a few questions to the disk."""
LONGEST_SECONDS = 30.0
"""How long is waited at most after failures in a row."""
_TURN_SECONDS = 1.0
_TELL_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Work(Protocol):
    """Something done again and again; says how many seconds it may rest."""

    def step(self) -> float:
        """Does it once; seconds until the next time.

        Raises:
            AisleError: it could not be done.
        """
        ...

    def rest(self, seconds: float) -> None:
        """Waits."""
        ...


class Background:
    """A thread that works whenever no other process of this machine does."""

    def __init__(self, settings: Settings) -> None:
        """Starts nothing yet."""
        self._settings = settings
        self._stopped = threading.Event()
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="aisle-artifacts", daemon=True)

    def start(self) -> None:
        """Begins; does nothing where no location is set."""
        if self._settings.artifacts.location is not None:
            self._thread.start()

    def stop(self) -> None:
        """Ends as soon as what is under way can be left."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with turn(self._settings.data) as mine:
                    if mine:
                        self._work()
            except AisleError as error:
                self._fail(error)
            self._stopped.wait(_TURN_SECONDS)

    def _fail(self, error: AisleError) -> None:
        """There is nothing to work with yet, such as a folder that is not mounted."""
        if str(error) != self._told:
            _log.error("artifacts: %s", error)
        self._told = str(error)
        data, location = self._settings.data, self._settings.artifacts.location or ""
        status = read_status(data) or Status(location, since=time.time())
        write_status(data, replace(status, phase="fault", fault=str(error)))

    def _work(self) -> None:
        make: Callable[[Settings, threading.Event], Work]
        make = Fetching if self._settings.artifacts.fetched else Sending
        work, failed, told = make(self._settings, self._stopped), 0, ""
        while not self._stopped.is_set():
            try:
                seconds, failed, told = work.step(), 0, ""
            except (Gone, Stopped):
                seconds = LOOK_SECONDS
            except Exception as error:
                if str(error) != told:  # once per failure, not once per attempt
                    _log.error("artifacts: %s", error, exc_info=not isinstance(error, AisleError))
                failed, told = failed + 1, str(error)
                seconds = min(0.5 * 2**failed, LONGEST_SECONDS)
            work.rest(seconds)


class Fetching:
    """A replica's work."""

    def __init__(self, settings: Settings, stopped: threading.Event) -> None:
        self._seconds = settings.artifacts.poll_seconds
        self._listener = Listener(settings, stopped)
        self._puller = Puller(settings, stopped=stopped, told=self._tell)
        self._told = 0.0

    def step(self) -> float:
        """Fetches what is new."""
        self._puller.pull()
        return self._seconds

    def rest(self, seconds: float) -> None:
        """Until something is announced, or it is time."""
        self._listener.wait(seconds)

    def _tell(self, status: Status) -> None:
        now = time.monotonic()
        if status.phase == "working" and status.total and now - self._told > _TELL_SECONDS:
            self._told = now
            _log.info("fetching %s", status.text)


class Sending:
    """The writer's work."""

    def __init__(self, settings: Settings, stopped: threading.Event) -> None:
        self._data, self._stopped = settings.data, stopped
        self._pusher = Pusher(settings)
        before = read_status(settings.data)
        self._status = before or Status(self._pusher.place, since=time.time())

    def step(self) -> float:
        """Sends what is new."""
        try:
            pushed = self._pusher.push()
        except IndexMissing:
            return 1.0
        except AisleError as error:
            self._say(replace(self._status, phase="fault", fault=str(error)))
            raise
        now = time.time()
        done = Status(
            self._pusher.place, "in step", pushed.version, since=self._status.since, in_step=now
        )
        if pushed.changed:  # the pusher has said it
            self._status = done
        elif self._status.phase != "in step" or now - self._status.in_step > 1:
            self._say(done)
        return LOOK_SECONDS

    def rest(self, seconds: float) -> None:
        """For a while."""
        self._stopped.wait(seconds)

    def _say(self, status: Status) -> None:
        self._status = status
        write_status(self._data, status)


@contextmanager
def turn(data: Path) -> Iterator[bool]:
    """Whether this process is the one that works, for as long as it lives."""
    with storage_errors(data):
        (data / FOLDER).mkdir(parents=True, exist_ok=True)
        handle = os.open(data / FOLDER / "turn", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)
