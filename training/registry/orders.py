"""Whether two models rank the same, whatever their notes say."""

from __future__ import annotations

from dataclasses import replace

from rankers import Model, model_checksum


def order_of(model: Model) -> str:
    """A checksum (hexadecimal) of all that decides on the order: equal for models that differ in
    name, notes and metrics alone."""
    return model_checksum(replace(model, name="", training={}, metrics={}))
