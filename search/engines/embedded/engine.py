"""The embedded engine: words, vectors and columns in the serving process."""

from __future__ import annotations

from search.engines.embedded.snapshot import OpenSnapshot
from search.engines.embedded.state import IndexState
from search.engines.embedded.view import EmbeddedView
from search.engines.local.following import FollowingEngine


class EmbeddedEngine(FollowingEngine[EmbeddedView, IndexState]):
    """An index in this process; implements `search.seams.Engine`."""

    def _opened(self, version: str) -> OpenSnapshot:
        return OpenSnapshot(self._settings, version)

    def _viewed(self, state: IndexState) -> EmbeddedView:
        return EmbeddedView(state, self._pool)
