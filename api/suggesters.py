"""Which suggestions belong to a view: those of its snapshot."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

from query.suggest import Suggester
from search.errors import IndexCorrupt
from search.seams import View

_log = logging.getLogger(__name__)

PART = "suggest"


class Suggesters:
    """Opens the suggestions of each snapshot once, and keeps the two used last.

    The first are opened when asked for. Those of a later snapshot are opened in the background:
    until they are there, the ones before answer, so no request waits. Those that cannot be opened
    are logged, and the ones before stay.
    """

    def __init__(self) -> None:
        self._opened: dict[Path, Suggester | None] = {}
        self._opening: Path | None = None
        self._lock = threading.Lock()

    async def of(self, view: View) -> Suggester | None:
        """The suggestions for a view; None when its snapshot holds none."""
        if view.understanding is None:
            return None
        directory = view.understanding / PART
        if directory in self._opened:
            return self._opened[directory]
        if not self._opened:
            return await asyncio.to_thread(self._open, directory)
        with self._lock:
            if self._opening != directory:
                self._opening = directory
                threading.Thread(target=self._open, args=(directory,), daemon=True).start()
        return next(reversed(self._opened.values()))

    def _open(self, directory: Path) -> Suggester | None:
        opened = None
        if directory.is_dir():
            try:
                opened = Suggester.open(directory)
            except IndexCorrupt:
                _log.exception("%s cannot be opened; suggestions stay as before", directory)
                opened = next(reversed(self._opened.values()), None)
        with self._lock:
            self._opened = dict([*list(self._opened.items())[-1:], (directory, opened)])
            self._opening = None
        return opened
