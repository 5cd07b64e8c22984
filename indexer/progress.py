"""How long work says how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called at every stage's start, along the way, and at its end.

    `done` and `total` count the stage's own units (rows, texts, steps); `total` is None while it
    is not known.
    """

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Reports once; called from more than one thread, never at the same time."""
        ...


def silent(stage: str, done: int, total: int | None) -> None:
    """Says nothing."""
