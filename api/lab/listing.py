"""Which runs are kept, and what was found out of them, without reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from eval.stored import RUNS as _RUNS
from eval.stored import SUFFIXES, run_name

RUNS = _RUNS.name
"""Where in the data directory they are."""


def stamps(directory: Path) -> dict[str, str]:
    """Every file of a directory of runs by its run's name, as it is now: its size and its time."""
    found = {}
    for path in directory.rglob("[!.]*"):
        if path.name.endswith(SUFFIXES) and path.is_file():
            about = path.stat()
            found[run_name(path, directory)] = f"{about.st_size}-{about.st_mtime_ns}"
    return found


def read_listing(path: Path | None) -> dict[str, dict[str, Any]]:
    """What was found out of the runs, by name; empty when it was not yet."""
    if path is None:
        return {}
    try:
        found: dict[str, dict[str, Any]] = orjson.loads(path.read_bytes())
        return found
    except (OSError, ValueError):
        return {}
