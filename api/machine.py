"""What the process and its disk have left, for the gauges of `/metrics`."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from api.metrics import Metrics


def observe_machine(data: Path, metrics: Metrics) -> None:
    """Brings the gauges of memory and disk up to date; what the system does not say is left out."""
    with contextlib.suppress(OSError):
        metrics.memory.set(resident_bytes())
    with contextlib.suppress(OSError):
        room = shutil.disk_usage(data)
        metrics.disk_free.set(room.free)
        metrics.disk_size.set(room.total)


def resident_bytes() -> int:
    """Resident memory of this process, with what it has mapped and read.

    Raises:
        OSError: this system does not say.
    """
    pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
