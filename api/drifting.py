"""Drift between the days a model learned from and recent ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from rankers import load_model
from search.errors import BadInput
from training.drift import Drift, Limits, compare_windows, read_window
from training.drift.windows import DAY, span
from training.events.disk import replace_file, storage_errors

DRIFT_FILE = "drift.json"
"""Where in the data directory the latest look for drift lies."""


def look_for_drift(
    events: Sequence[Path], model: Path, days: float, limits: Limits = Limits()
) -> Drift:
    """Compares the latest `days` of a log with the window its model learned from: the one its file
    names, else everything earlier.

    Raises:
        NotFound, BadInput: there is no model, or nothing was logged in one of the windows.
    """
    loaded = load_model(model)
    first, last = span(events)
    begin, end = _learned(loaded.training) or (first, last - days * DAY)
    recent = max(last - days * DAY, end if end < last else first)
    if not begin < end <= last:
        raise BadInput(
            f"the log spans less than {days:g} days, so nothing earlier is left to compare with; "
            "give fewer --days",
            field="days",
        )
    return compare_windows(
        read_window(events, begin, end, loaded),
        read_window(events, recent, last + 1, loaded),
        limits,
    )


def _learned(training: object) -> tuple[float, float] | None:
    """The days a model says it learned from, as training from clicks notes them."""
    window = training.get("window") if isinstance(training, dict) else None
    if isinstance(window, list | tuple) and len(window) == 2:
        return float(window[0]), float(window[1])
    return None


def write_drift(data: Path, drift: Drift) -> None:
    """Keeps a look at a data directory's own log and model, for the gauges of `/metrics`.

    Raises:
        StorageFailed: the disk refused; the look before is still there.
    """
    path = data / DRIFT_FILE
    with storage_errors(path):
        replace_file(path, orjson.dumps({"checked": time.time(), **asdict(drift)}) + b"\n")
