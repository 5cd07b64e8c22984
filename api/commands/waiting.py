"""A word for who waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from api.commands.console import say

PATIENCE_SECONDS = 3.0


@contextmanager
def saying(text: str) -> Iterator[None]:
    """Says what is going on, on standard error, when it lasts."""
    timer = Timer(PATIENCE_SECONDS, say, (text,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
