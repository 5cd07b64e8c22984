"""The model in use: a file that is followed.

A background task looks at the file. A newer model is opened and tried beside the one in use, which
goes on until the new one is ready, and stays available to later pages of its own searches. One that
cannot be used is logged and named by `fault`; what was in use goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path

from search.errors import AisleError
from search.seams import Ranker

POLL_SECONDS = 1.0
"""How often the file is looked at: one question to the file system."""
KEPT_SECONDS = 300.0
"""How long an earlier model stays available to cursors."""
KEPT_MODELS = 4
RETRY_SECONDS = 10.0
"""How long until a file that could not be used is tried again: the index may suit it by then."""

_log = logging.getLogger(__name__)

Opener = Callable[[Path], Ranker]
"""Reads and checks a model file; blocks."""
Trial = Callable[[Ranker], Awaitable[None]]
"""Ranks something with a model before it is used: compiles what must be, raises when it fails."""
_Mark = tuple[int, int, int]


class ModelHolder:
    """Follows one model file; a file that is not there means no model."""

    def __init__(
        self, path: Path | None, opener: Opener, trial: Trial, *, named: bool = False
    ) -> None:
        """Opens nothing yet. `path` is None where no model is to be used; `named`: the settings
        name the file, so that it should be there."""
        self.path, self._named = path, named
        self.fault: str | None = None
        """Why the file that is there now is not in use; None when it is."""
        self._told: str | None = None
        self._opener, self._trial = opener, trial
        self._current: Ranker | None = None
        self._earlier: OrderedDict[str, tuple[Ranker, float]] = OrderedDict()
        self._seen: _Mark | None = None
        self._tried = -RETRY_SECONDS
        self._turn = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None

    def current(self) -> Ranker | None:
        """The model in use, None without one."""
        return self._current

    def at(self, version: str) -> Ranker | None:
        """The model of a version, in use or lately; None when it is no longer held."""
        if self._current is not None and self._current.version == version:
            return self._current
        return self._earlier[version][0] if version in self._earlier else None

    async def refresh(self) -> Ranker | None:
        """Looks at the file now; the model in use then."""
        if self.path is None:
            return None
        async with self._turn:
            mark = await asyncio.to_thread(_mark, self.path)
            retry = self.fault is not None and time.monotonic() > self._tried + RETRY_SECONDS
            if mark != self._seen or retry or (mark is None and self._named):
                self._seen, self._tried = mark, time.monotonic()
                await self._follow(self.path, mark)
            self._forget()
            return self._current

    def watch(self) -> None:
        """Follows the file from now on."""
        if self._poller is None and self.path is not None:
            self._poller = asyncio.create_task(self._poll(), name="follow the ranking model")

    async def close(self) -> None:
        """Stops following; models already handed out stay usable."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(OSError):
                await self.refresh()

    async def _follow(self, path: Path, mark: _Mark | None) -> None:
        if mark is None:
            if self._current is not None:
                _log.warning("%s is gone; hits are in the fused order", path)
            self._use(None)
            if self._named:
                self._refuse(
                    f"there is no file {path}, which [ranking] model names; mend the setting, or "
                    "put the file there"
                )
            return
        try:
            ranker = await asyncio.to_thread(self._opener, path)
            if self._current is None or ranker.version != self._current.version:
                await self._trial(ranker)
                self._use(ranker)
                _log.info("ranking by %s (%s)", ranker.name, ranker.version)
            self.fault = None
        except AisleError as error:
            self._refuse(str(error))
        except Exception as error:
            self._refuse(f"{path}: {error!r}")

    def _use(self, ranker: Ranker | None) -> None:
        if self._current is not None:
            self._earlier[self._current.version] = (self._current, time.monotonic())
        if ranker is not None:
            self._earlier.pop(ranker.version, None)
        self._current, self.fault = ranker, None

    def _refuse(self, fault: str) -> None:
        """Once per fault, not once per look at the file."""
        if fault != self._told:
            goes_on = f"{self._current.name} goes on" if self._current else "hits keep fused order"
            _log.error("the ranking model cannot be used, %s: %s", goes_on, fault)
        self.fault = self._told = fault

    def _forget(self) -> None:
        now = time.monotonic()
        while self._earlier:
            _, since = next(iter(self._earlier.values()))
            if now - since < KEPT_SECONDS and len(self._earlier) <= KEPT_MODELS:
                break
            self._earlier.popitem(last=False)


def _mark(path: Path) -> _Mark | None:
    """Tells one state of a file from another; None when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
