"""Drift between the days a model learned from and those that came after it was made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from api.learned_days import learned_days, used_days
from api.whole_days import DAY, whole_days
from rankers import load_model
from training.drift import Drift, Limits, compare_windows, nothing_new, read_window

USUAL_DAYS = 7.0
"""The recent days that are looked at unless told."""


def look_for_drift(
    events: Sequence[Path],
    model: Path,
    days: float = USUAL_DAYS,
    limits: Limits = Limits(),
    now: float | None = None,
) -> Drift:
    """Compares the latest `days` whole days of a log (0: all) with the window its model learned
    from: the one its file names, else everything earlier. Days that the model was made from, or
    judged by, are not recent: another training would make the same of them.

    Raises:
        NotFound, BadInput: there is no model, or nothing was logged in one of the windows.
    """
    loaded = load_model(model)
    first, end = whole_days(events, 0, now)
    recent, _ = whole_days(events, days, now)
    learned, used = learned_days(loaded), used_days(loaded)
    begin, cut = learned or (first, recent)
    begin = max(begin, first)
    if used is not None:
        recent = max(recent, -(-used[1] // DAY) * DAY)
    if not begin < cut or recent >= end:
        return nothing_new((begin, cut), (recent, end))
    return compare_windows(
        read_window(events, begin, cut, loaded), read_window(events, recent, end, loaded), limits
    )
