"""Fetching files that never change, several side by side, each verified before it has its name."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from indexer.artifacts.files import measure
from indexer.artifacts.store import Store
from indexer.storage import storage_errors
from search.engines.local.manifest import Part
from search.errors import AisleError, StorageFailed

_PARTIAL = ".part"
_CHUNK = 4 * 1024 * 1024


class Stopped(AisleError):
    """Fetching was told to stop; it goes on where it was the next time."""


class Gone(AisleError):
    """A file is no longer there: something newer is."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file to fetch: where it lies, where it goes, its size and checksum."""

    key: str
    path: Path
    part: Part


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches from a store, `transfers` files at once, and leaves `spare` bytes of the disk free.
    `report(file, bytes done, bytes of all)` is called along the way."""

    store: Store
    transfers: int
    spare: int
    report: Callable[[str, int, int], None]
    stopped: threading.Event

    def fetch(self, files: Sequence[Incoming]) -> int:
        """Fetches those that are not at their places as they should be; the bytes fetched. What was
        there of an earlier attempt is used.

        Raises:
            StorageFailed: the store does not answer, a file arrived damaged, or the disk is full.
            Gone: a file is not there.
            Stopped: told to.
        """
        missing = [each for each in files if not _sound(each)]
        missing.sort(key=lambda each: -each.part.size)
        self._check_space(missing)
        if not missing:
            return 0
        progress = _Progress(self.report, sum(each.part.size for each in missing))
        with ThreadPoolExecutor(self.transfers, "fetch", initializer=_step_back) as pool:
            try:
                for _ in pool.map(lambda each: self._one(each, progress), missing):
                    pass
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return progress.total

    def _check_space(self, missing: Sequence[Incoming]) -> None:
        if not missing:
            return
        place = missing[0].path.parent
        with storage_errors(place):
            for each in missing:
                each.path.parent.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(place).free
        needed = sum(each.part.size - _size(_partial(each.path)) for each in missing)
        if needed + self.spare > free:
            raise StorageFailed(
                f"{place} needs {needed / 1e6:.0f} MB, and {self.spare / 1e6:.0f} MB to spare, but "
                f"{free / 1e6:.0f} MB are free: free some space; what is served goes on"
            )

    def _one(self, incoming: Incoming, progress: _Progress) -> None:
        partial = _partial(incoming.path)
        resumed = 0 < _size(partial) < incoming.part.size
        with storage_errors(partial):
            right = self._receive(incoming, partial, progress, resumed=resumed)
            if not right and resumed:  # what an earlier attempt left may be of something else
                right = self._receive(incoming, partial, progress, resumed=False)
            if not right:
                partial.unlink(missing_ok=True)
                raise StorageFailed(
                    f"{self.store.name}/{incoming.key} arrived damaged: it is not the file of "
                    f"{incoming.part.size} bytes that was sent; it is fetched again, and what is "
                    "served goes on"
                )
            partial.replace(incoming.path)

    def _receive(
        self, incoming: Incoming, partial: Path, progress: _Progress, *, resumed: bool
    ) -> bool:
        """Writes what comes; whether it is what was to come."""
        digest = hashlib.sha256()
        size = 0
        with partial.open("r+b" if resumed else "wb") as file:
            if resumed:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                progress.add(incoming.key, size)
            try:
                for chunk in self.store.stream(incoming.key, size) if incoming.part.size else ():
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                    progress.add(incoming.key, len(chunk))
                    if self.stopped.is_set():
                        raise Stopped("fetching was stopped")
                    if size > incoming.part.size:
                        break
            except FileNotFoundError:
                raise Gone(f"{self.store.name}/{incoming.key} is not there") from None
            file.flush()
            os.fsync(file.fileno())
        return size == incoming.part.size and digest.hexdigest() == incoming.part.sha256


def _step_back() -> None:
    """Searches come first: on Linux each thread has a priority of its own."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class _Progress:
    """Adds up over threads."""

    def __init__(self, report: Callable[[str, int, int], None], total: int) -> None:
        self._report, self.total = report, total
        self._done, self._lock = 0, threading.Lock()

    def add(self, file: str, size: int) -> None:
        with self._lock:
            self._done += size
            self._report(file, self._done, self.total)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + _PARTIAL)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sound(incoming: Incoming) -> bool:
    """Whether a file is there already, down to the last byte: a power cut may have torn it."""
    path = incoming.path
    return _size(path) == incoming.part.size and path.exists() and measure(path) == incoming.part
