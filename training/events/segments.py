"""Writing segments: append-only files, one writer each, that say what they hold record by record.

A writer holds a lock on its segment for as long as it is open; a segment without one is closed, no
matter how its writer ended.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from training.events.disk import is_locked, sync
from training.events.layout import LogLayout, segment_paths

_numbers = itertools.count()


class SegmentWriter:
    """One open segment. Not safe from several threads."""

    def __init__(self, layout: LogLayout, fsync: Callable[[int], None] = os.fsync) -> None:
        """Makes a new segment.

        Raises:
            OSError: the disk refused.
        """
        layout.segments.mkdir(parents=True, exist_ok=True)
        self.path = layout.segments / _name()
        self.size = 0
        self.opened = time.monotonic()
        self._fsync = fsync
        self._handle = _open_locked(self.path)

    def write(self, content: bytes) -> None:
        """Appends records; returns when they are on disk.

        Raises:
            OSError: the disk refused; none of `content` is in the segment, which must be closed.
        """
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(self._handle, left) :]
            self._fsync(self._handle)
        except OSError:
            self._take_back()
            raise
        self.size += len(content)

    def _take_back(self) -> None:
        """Cuts off what was not promised. After a failed fsync nobody knows what the disk has of
        it, so that the cut has to reach the disk as well."""
        try:
            os.ftruncate(self._handle, self.size)
            os.fsync(self._handle)
        except OSError:
            return  # the disk is beyond help; its own error is the one to tell

    def close(self) -> None:
        """Lets go of the segment; one that holds nothing is removed."""
        if not self.size:
            self.path.unlink(missing_ok=True)
        os.close(self._handle)


def _name() -> str:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    return f"{now}-{os.getpid()}-{next(_numbers)}.log"


def _open_locked(path: Path) -> int:
    """Creates a segment that is locked from the moment it is there: without a lock it would be
    taken for closed, compacted and removed under its writer."""
    unnamed = path.with_suffix(".new")
    handle = os.open(unnamed, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.replace(path)
        for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
            sync(folder)
    except BaseException:
        os.close(handle)
        unnamed.unlink(missing_ok=True)
        raise
    return handle


def closed_segments(layout: LogLayout) -> list[Path]:
    """The segments nobody writes to, oldest first."""
    return [path for path in segment_paths(layout) if not is_locked(path)]
