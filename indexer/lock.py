"""Who may write: one builder at a time, and one batch of changes at a time.

Both are `flock` locks: the kernel releases them when their holder dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.storage import storage_errors
from search.errors import IndexBusy


@contextmanager
def build_lock(data: Path) -> Iterator[None]:
    """Holds `DATA/lock` for a build or a merge.

    Raises:
        IndexBusy: another process holds it; the message names its process id.
        StorageFailed: the data directory cannot be written.
    """
    with storage_errors(data):
        data.mkdir(parents=True, exist_ok=True)
        handle = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take_or_name_holder(handle, data)
        with storage_errors(data):
            os.truncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _take_or_name_holder(handle: int, data: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
        raise IndexBusy(
            f"{data} is being indexed by process {holder}; wait until it ends, or stop it, "
            "and run this again"
        ) from None


@contextmanager
def change_lock(data: Path) -> Iterator[None]:
    """Holds `DATA/live/lock`, waiting for whoever has it: batches of changes take turns, and so
    does the moment a new snapshot is published.

    Raises:
        StorageFailed: the data directory cannot be written.
    """
    with storage_errors(data):
        (data / "live").mkdir(parents=True, exist_ok=True)
        handle = os.open(data / "live" / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
