"""Learning to rank: what shoppers did and what was judged in, ranking models out.

The public names are loaded when first asked for: writing events while serving must not load what
learning needs. (`training.train` is the module; its function is `training.train.train`.)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.curve import Point, learning_curve
    from training.letor import read_letor
    from training.nested import CrossValidation, cross_validate
    from training.picture import draw
    from training.report import Outcome, format_report, report_json
    from training.tables import JudgedQuery, Schema, Tables, stack
    from training.train import Plan, Trained

__all__ = [
    "CrossValidation",
    "JudgedQuery",
    "Outcome",
    "Plan",
    "Point",
    "Schema",
    "Tables",
    "Trained",
    "cross_validate",
    "draw",
    "format_report",
    "learning_curve",
    "read_letor",
    "report_json",
    "stack",
]

_HOMES = {
    "curve": ("Point", "learning_curve"),
    "letor": ("read_letor",),
    "nested": ("CrossValidation", "cross_validate"),
    "picture": ("draw",),
    "report": ("Outcome", "format_report", "report_json"),
    "tables": ("JudgedQuery", "Schema", "Tables", "stack"),
    "train": ("Plan", "Trained"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
