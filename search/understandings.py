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

    @property
    def refines(self) -> bool:
        """Whether a query's vector can add to it."""
        ...

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
    is logged, and the one before stays; without one before, queries are searched as typed.
    """

    def __init__(
        self, open_one: Callable[[Path | None], Understands], words: Callable[[str], list[str]]
    ) -> None:
        """`words` normalizes a text."""
        self._open_one, self._words = open_one, words
        self._opened: dict[Path | None, Understands] = {}
        self._opening: set[Path | None] = set()
        self._unavailable: set[Path | None] = set()
        self._recent = _Recent()
        self._lock = threading.Lock()

    def of(self, view: View) -> Understands:
        """The understanding for a view, or the latest while that is being opened."""
        found = self._opened.get(view.understanding)
        if found is not None:
            return found
        with self._lock:
            if not self._opened:
                self._opened[view.understanding] = self._open_first(view.understanding)
            elif view.understanding not in self._opening:
                self._opening.add(view.understanding)
                threading.Thread(target=self._open, args=(view.understanding,), daemon=True).start()
            return next(reversed(self._opened.values()))

    def unavailable(self, view: View) -> bool:
        """Whether a view's queries are searched as typed because nothing better can be opened."""
        return bool(self._unavailable) and self._used(view) in self._unavailable

    def _used(self, view: View) -> Path | None:
        known = view.understanding in self._opened
        return view.understanding if known else next(reversed(self._opened), None)

    def _open_first(self, directory: Path | None) -> Understands:
        try:
            return self._open_one(directory)
        except Exception:
            _log.exception("%s cannot be opened; queries are searched as typed", directory)
            self._unavailable.add(directory)
            return self._open_one(None)

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
            self._opening.discard(directory)
            self._unavailable &= self._opened.keys()
