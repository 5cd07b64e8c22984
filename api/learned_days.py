"""The days that a model was made from, by its notes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rankers import Model


def learned_days(model: Model) -> tuple[float, float] | None:
    """The days whose clicks a model learned from (seconds since 1970): the window that retraining
    notes, else all until it was trained (the beginning is 0 then). None for one that did not learn
    from clicks."""
    window = _days(model.training, "window")
    trained = model.training.get("trained")
    if window is None and "clicks" in model.training and isinstance(trained, str):
        return 0.0, datetime.fromisoformat(trained).timestamp()
    return window


def used_days(model: Model) -> tuple[float, float] | None:
    """The same, with the days that judged it."""
    learned, held_out = learned_days(model), _days(model.training, "held_out")
    return learned if learned is None or held_out is None else (learned[0], held_out[1])


def _days(notes: Mapping[str, object], name: str) -> tuple[float, float] | None:
    found = notes.get(name)
    if isinstance(found, list | tuple) and len(found) == 2:
        return float(found[0]), float(found[1])
    return None
