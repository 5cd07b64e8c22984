"""What an answer has to say of how it came about, told by whoever notices, however deep."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

_HEARS: ContextVar[Callable[[str], None] | None] = ContextVar("hears", default=None)


@contextlib.contextmanager
def hearing(hears: Callable[[str], None]) -> Iterator[None]:
    """What is noted inside goes to `hears`."""
    before = _HEARS.set(hears)
    try:
        yield
    finally:
        _HEARS.reset(before)


def note(text: str) -> None:
    """Notes something for the answer; nobody hears it outside of one."""
    hears = _HEARS.get()
    if hears is not None:
        hears(text)
