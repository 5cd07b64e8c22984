"""The deadline of the request being answered, and the part of it that each stage may use.

It is a context variable: whoever waits for something on behalf of the request, however deep, waits
no longer than what remains. Without a deadline (commands, background work) the callers' own bounds
hold.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """Moments of `time.monotonic()`: when the request began, when it must be answered, and when
    the stage at hand must be over."""

    began: float
    answered: float
    over: float


_NOW: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """The request answered inside is to be answered within so many seconds."""
    began = time.monotonic()
    with _set(Deadline(began, began + seconds, began + seconds)):
        yield


@contextlib.contextmanager
def until(share: float) -> Iterator[None]:
    """What is done inside is over when this share of the request's time is; a stage inside another
    ends with that at the latest."""
    now = _NOW.get()
    if now is None:
        yield
        return
    over = now.began + share * (now.answered - now.began)
    with _set(Deadline(now.began, now.answered, min(over, now.over))):
        yield


@contextlib.contextmanager
def _set(deadline: Deadline) -> Iterator[None]:
    before = _NOW.set(deadline)
    try:
        yield
    finally:
        _NOW.reset(before)


def end() -> float | None:
    """When the stage at hand must be over (`time.monotonic()`); None without a deadline."""
    now = _NOW.get()
    return None if now is None else now.over


def remaining(most: float) -> float:
    """The seconds that may still be waited, at most `most`; 0 when there are none left."""
    over = end()
    return most if over is None else max(0.0, min(most, over - time.monotonic()))


def allowed() -> float | None:
    """The seconds that the whole request may take; None without a deadline."""
    now = _NOW.get()
    return None if now is None else now.answered - now.began
