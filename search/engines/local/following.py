"""Follows the snapshot that `CURRENT` names as it changes, for every engine.

A background task looks for live changes and new snapshots. A newer state is opened beside the one
being served, which goes on serving until the new one is ready, and stays usable by cursors for a
while after. What cannot be opened is logged and tried again; what was serving goes on.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Generic, TypeVar

from search.engines.local.layout import read_current
from search.engines.local.live import split_version
from search.engines.local.snapshot import LocalSnapshot
from search.engines.local.state import LocalState
from search.engines.local.view import LocalView
from search.engines.local.words import check_weights
from search.errors import AisleError, CursorExpired
from search.settings import Settings

POLL_SECONDS = 0.15
"""How often the data directory is looked at: two small reads."""
KEPT_SECONDS = 300.0
"""How long an earlier view stays available to cursors."""
KEPT_VIEWS = 64
"""How many earlier views stay at most; under constant change, the oldest go sooner, and the next
that is held stands in for them."""
_OPEN_ATTEMPTS = 3

V = TypeVar("V", bound=LocalView[Any])
S = TypeVar("S", bound=LocalState)

_log = logging.getLogger(__name__)


class FollowingEngine(ABC, Generic[V, S]):
    """An index of which a part is in this process; implements `search.seams.Engine`."""

    def __init__(self, settings: Settings) -> None:
        """Opens nothing yet.

        Raises:
            BadInput: a setting makes no sense for this engine.
        """
        check_weights(settings.words)
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="search")
        # Opening and following have a thread of their own, so that they never wait for searches.
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="open")
        self._snapshot: LocalSnapshot[Any, S] | None = None
        self._newest: V | None = None
        self._waiting: S | None = None
        self._views: OrderedDict[str, tuple[V, float]] = OrderedDict()
        self._turn = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None
        self._failure: str | None = None

    async def view(self, version: str | None = None) -> V:
        """See `search.seams.Engine.view`.

        Raises:
            IndexCorrupt: there is no sound snapshot to open.
        """
        newest = self._newest or await self.refresh()
        if version is None or version == newest.version:
            return newest
        if version in self._views:
            return self._views[version][0]
        near = self._near(version)
        if near is None:
            raise CursorExpired(
                f"the index was made anew and version {version[:60]!r} is no longer held; "
                "start again from the first page",
                field="cursor",
            )
        return near

    def _near(self, version: str) -> V | None:
        """Of the views held of the same snapshot, the first that came after a version, or else the
        last before it: of a process that is behind the one that gave the version."""
        snapshot, asked = split_version(version)
        held: dict[int, V] = {}
        for view in (*(view for view, _ in self._views.values()), self._newest):
            if view is not None:
                of, sequence = split_version(view.version)
                if of == snapshot:
                    held[sequence] = view
        later = [sequence for sequence in held if sequence >= asked]
        return held[min(later) if later else max(held)] if held else None

    async def refresh(self) -> V:
        """Looks for newer data now; returns the newest view.

        Raises:
            IndexMissing, IndexCorrupt: what is there now cannot be opened. Views handed out
                before stay usable, and `view()` goes on returning the newest of them.
        """
        async with self._turn:
            loop = asyncio.get_running_loop()
            # What cannot be accepted yet is tried again, unless something newer has come.
            state = await loop.run_in_executor(self._opener, self._newer) or self._waiting
            self._waiting = state
            if state is not None:
                await self._accept(state)
                self._waiting = None
                self._publish(self._viewed(state))
            self._forget()
            self._watch()
            assert self._newest is not None  # the first call opens a snapshot or raises
            return self._newest

    def changing(self) -> AbstractAsyncContextManager[None]:
        """See `search.seams.Engine.changing`."""
        return nullcontext()

    async def close(self) -> None:
        """Stops background work; views already handed out stay usable until their searches end."""
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
        self._opener.shutdown(wait=True)
        self._pool.shutdown(wait=True)

    @abstractmethod
    def _opened(self, version: str) -> LocalSnapshot[Any, S]:
        """Blocking: opens a snapshot; raises IndexCorrupt."""

    @abstractmethod
    def _viewed(self, state: S) -> V:
        """A view of a state."""

    async def _accept(self, state: S) -> None:
        """Raises what keeps a state from being served."""

    def _publish(self, view: V) -> None:
        if self._newest is not None:
            self._newest.rest()
            self._views[self._newest.version] = (self._newest, time.monotonic())
        self._newest = view
        self._views.pop(view.version, None)

    def _forget(self) -> None:
        """Lets go of views that were replaced long ago, and with them of their snapshots."""
        now = time.monotonic()
        while self._views:
            _, since = next(iter(self._views.values()))
            if now - since < KEPT_SECONDS and len(self._views) <= KEPT_VIEWS:
                break
            self._views.popitem(last=False)

    def _newer(self) -> S | None:
        """Blocking: the state to serve now, None when it is the one being served."""
        opened = self._snapshot
        if opened is not None and opened.manifest.version == self._current():
            return opened.advance()
        opened, state = self._open()
        self._snapshot = opened
        return state

    def _current(self) -> str:
        return read_current(self._settings.data)

    def _open(self) -> tuple[LocalSnapshot[Any, S], S]:
        """Opens what CURRENT names; when it was replaced and removed meanwhile, what it names
        then."""
        for _ in range(_OPEN_ATTEMPTS):
            version = self._current()
            try:
                opened = self._opened(version)
                return opened, opened.open_state()
            except AisleError:
                if version == self._current():
                    raise
        opened = self._opened(self._current())
        return opened, opened.open_state()

    def _watch(self) -> None:
        if self._poller is None:
            # Nothing of the request that happens to be the first, such as its deadline.
            nobodys = contextvars.Context()
            self._poller = asyncio.create_task(
                self._poll(), name="follow the index", context=nobodys
            )

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.refresh()
                self._failure = None
            except AisleError as error:
                self._report(str(error))
            except Exception as error:
                self._report(repr(error))

    def _report(self, failure: str) -> None:
        """Once per failure, not once per poll."""
        if failure != self._failure:
            _log.error("newer data cannot be served, older goes on: %s", failure)
        self._failure = failure
