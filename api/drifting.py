"""Drift between the days a model learned from and recent ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rankers import load_model
from search.errors import BadInput
from training.drift import Drift, Limits, compare_windows, read_window
from training.drift.windows import DAY, span


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
