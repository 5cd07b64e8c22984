"""From logged events to what was seen and clicked where.

The public names are loaded when first asked for, as those of `training` are.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.clicks.counts import ClickCounts
    from training.clicks.judging import ClickJudgments, judgments_from_clicks, write_judgments
    from training.clicks.options import CLICKS, GRADES, Reading
    from training.clicks.reading import Log, read_counts, read_graded, read_log

__all__ = [
    "CLICKS",
    "GRADES",
    "ClickCounts",
    "ClickJudgments",
    "Log",
    "Reading",
    "judgments_from_clicks",
    "read_counts",
    "read_graded",
    "read_log",
    "write_judgments",
]

_HOMES = {
    "counts": ("ClickCounts",),
    "judging": ("ClickJudgments", "judgments_from_clicks", "write_judgments"),
    "options": ("CLICKS", "GRADES", "Reading"),
    "reading": ("Log", "read_counts", "read_graded", "read_log"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
