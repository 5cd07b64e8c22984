"""One retraining at a time in a data directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import AisleError
from training.events.disk import storage_errors


class RetrainingBusy(AisleError):
    """Another process retrains in this data directory; the message names it."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the lock of `folder`; the kernel releases it when its holder dies, however it dies.

    Raises:
        RetrainingBusy: another process holds it.
        StorageFailed: the disk refused.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
            raise RetrainingBusy(
                f"another retraining runs in {folder.parent} (process {holder}); this one has "
                "changed nothing, and can be started again when that is done"
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)
