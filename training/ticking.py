"""How far training is: a tick for each piece of work, counted beforehand."""

from __future__ import annotations

from collections.abc import Callable

Tick = Callable[[], None]
"""Called when a piece of work is done."""
Progress = Callable[[int, int], None]
"""Called with the pieces of work done and their number."""


def unheard() -> None:
    """For who does not count."""


class Counter:
    """Reports `done` of `total` at once, and again with each tick."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._done, self._total, self._progress = 0, total, progress
        progress(0, total)

    def __call__(self) -> None:
        """Another piece is done."""
        self._done += 1
        self._progress(self._done, self._total)

    def finish(self) -> None:
        """Whatever was left out is done as well."""
        if self._done < self._total:
            self._done = self._total
            self._progress(self._done, self._total)
