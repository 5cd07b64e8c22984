"""Which understanding a query gets: that of the snapshot its view is of."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from search.seams import View
from search.types import Query, Vector

_log = logging.getLogger(__name__)


class Understands(Protocol):
    """What a snapshot's queries are understood with."""

    def understand(self, query: Query) -> Query:
        """Everything that can be said from the words alone."""
        ...

    def refine(self, query: Query, vector: Vector | None) -> Query:
        """What the query's vector adds."""
        ...


@dataclass(frozen=True, slots=True)
class _Recent:
    version: str = ""
    count: int = 0
    words: frozenset[str] = frozenset()


class Understandings:
    """Opens the understanding of each snapshot once, and keeps the two used last.

    The first is opened when asked for. A later snapshot's is opened in the background: until it is
    there, queries are understood as before, so no request waits for it. One that cannot be opened
    is logged, and the one before stays.
    """

    def __init__(
        self, open_one: Callable[[Path | None], Understands], words: Callable[[str], list[str]]
    ) -> None:
        """`words` normalizes a text."""
        self._open_one, self._words = open_one, words
        self._opened: dict[Path | None, Understands] = {}
        self._opening: Path | None = None
        self._recent = _Recent()
        self._lock = threading.Lock()

    def of(self, view: View) -> Understands:
        """The understanding for a view, or the latest while that is being opened."""
        found = self._opened.get(view.understanding)
        if found is not None:
            return found
        with self._lock:
            if not self._opened:
                self._opened[view.understanding] = self._open_one(view.understanding)
            elif self._opening != view.understanding:
                self._opening = view.understanding
                threading.Thread(target=self._open, args=(view.understanding,), daemon=True).start()
            return next(reversed(self._opened.values()))

    def recent(self, view: View) -> frozenset[str]:
        """The words of what was added to a view since its snapshot."""
        known, count = self._recent, len(view.recent)
        if known.version == view.version:
            return known.words
        snapshot = view.version.partition(".")[0]
        if known.version.partition(".")[0] != snapshot or known.count > count:
            known = _Recent()
        added = (word for text in view.recent[known.count :] for word in self._words(text))
        self._recent = _Recent(view.version, count, known.words.union(added))
        return self._recent.words

    def _open(self, directory: Path | None) -> None:
        try:
            opened = self._open_one(directory)
        except Exception:
            _log.exception("%s cannot be opened; queries are understood as before", directory)
            return
        with self._lock:
            kept = list(self._opened.items())[-1:]
            self._opened = dict([*kept, (directory, opened)])
            self._opening = None
