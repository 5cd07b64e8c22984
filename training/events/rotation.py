"""When a segment ends and the next begins."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from training.events.layout import LogLayout
from training.events.segments import SegmentWriter


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How a log is written.

    A segment ends at `segment_bytes` or `segment_seconds`, whichever comes first, or when someone
    asks (`ask_to_rotate`). At most `waiting` searches wait to be written; they wait
    `linger_seconds` at most while nothing else is written, and at most `group_searches` are written
    at once. `remembered` is how many ids of recent events are known at most.
    """

    segment_bytes: int = 64_000_000
    segment_seconds: float = 3_600.0
    waiting: int = 10_000
    linger_seconds: float = 0.2
    group_searches: int = 500
    remembered: int = 200_000


class Rotation:
    """Writes to the segment of the moment. Not safe from several threads."""

    def __init__(
        self, layout: LogLayout, limits: LogLimits, fsync: Callable[[int], None] = os.fsync
    ) -> None:
        self._layout = layout
        self._limits = limits
        self._fsync = fsync
        self._segment: SegmentWriter | None = None
        self._asked = 0

    def write(self, content: bytes) -> None:
        """Makes records durable; with nothing to write, ends a segment whose time has come.

        Raises:
            OSError: the disk refused; none of `content` counts.
        """
        if self._segment is not None and self._due(self._segment):
            self.close()
        if not content:
            return
        if self._segment is None:
            self._asked = _asked(self._layout)
            self._segment = SegmentWriter(self._layout, self._fsync)
        try:
            self._segment.write(content)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Ends the segment of the moment."""
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.close()

    def _due(self, segment: SegmentWriter) -> bool:
        return (
            segment.size >= self._limits.segment_bytes
            or time.monotonic() - segment.opened >= self._limits.segment_seconds
            or _asked(self._layout) != self._asked
        )


def ask_to_rotate(layout: LogLayout) -> None:
    """Asks every writer for a new segment; each follows with its next write, or when it is idle."""
    layout.root.mkdir(parents=True, exist_ok=True)
    layout.rotate.touch()
    os.utime(layout.rotate)


def _asked(layout: LogLayout) -> int:
    try:
        return layout.rotate.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
