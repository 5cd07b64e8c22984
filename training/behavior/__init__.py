"""What shoppers did with products, as of a moment: what features of behavior are computed from.

The public names are loaded when first asked for, as those of `training` are.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.behavior.counting import behavior_as_of, make_store
    from training.behavior.history import read_history

__all__ = ["behavior_as_of", "make_store", "read_history"]

_HOMES = {
    "counting": ("behavior_as_of", "make_store"),
    "history": ("read_history",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
