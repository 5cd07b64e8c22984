"""From logged events to what was seen and clicked where.

The public names are loaded when first asked for, as those of `training` are.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.clicks.counts import ClickCounts
    from training.clicks.options import CLICKS, GRADES, Reading
    from training.clicks.reading import Log, read_counts, read_log

__all__ = ["CLICKS", "GRADES", "ClickCounts", "Log", "Reading", "read_counts", "read_log"]

_HOMES = {
    "counts": ("ClickCounts",),
    "options": ("CLICKS", "GRADES", "Reading"),
    "reading": ("Log", "read_counts", "read_log"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
