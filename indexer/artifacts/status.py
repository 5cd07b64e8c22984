"""How far a machine has come with fetching or sending, for all of its processes: a small file that
whoever does the work replaces."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson

from indexer.artifacts.local import FOLDER

Phase = Literal["starting", "waiting", "working", "in step", "fault"]
FILE = "status.json"


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a location: `version` is the view that it holds, `in_step` when this machine
    was last known to hold the same (seconds since 1970, 0 never), `since` when that began to be
    looked for. While `working`, `done` of `total` bytes, `file` is the latest one. `lag` is how
    long the last change took from being sent to being served here."""

    location: str
    phase: Phase = "starting"
    version: str = ""
    since: float = 0.0
    in_step: float = 0.0
    file: str = ""
    done: int = 0
    total: int = 0
    fault: str = ""
    writer: str = ""
    lag: float = 0.0

    def behind(self, now: float | None = None) -> float:
        """For how many seconds it is not known to hold the same."""
        return max(0.0, (time.time() if now is None else now) - (self.in_step or self.since))

    @property
    def text(self) -> str:
        """In words."""
        if self.phase == "fault":
            return f"{self.fault} (since {self.behind():.0f} s)"
        if self.phase == "working":
            of_all = f"{self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB"
            return f"{self.version} and {self.location}: {of_all}, {self.file}"
        if self.phase == "starting":
            return f"{self.location}; what it holds is not known yet"
        if self.phase == "waiting":
            return f"{self.location} holds nothing yet; start the writer, or aisle artifacts push"
        return f"in step with {self.location}"


def write_status(data: Path, status: Status) -> None:
    """Says it; a disk that refuses is no matter here, for the work itself will say so."""
    path = data / FOLDER / FILE
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{FILE}.part")
        part.write_bytes(orjson.dumps(asdict(status)))
        part.replace(path)


def read_status(data: Path) -> Status | None:
    """What was said last; None when nothing was."""
    try:
        return Status(**orjson.loads((data / FOLDER / FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
