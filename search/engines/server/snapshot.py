"""An open snapshot whose words are an index on a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

from search.engines.local.changes import Batch
from search.engines.local.conditions import Asks, Later
from search.engines.local.ids import IdStore
from search.engines.local.layout import DataLayout
from search.engines.local.snapshot import LocalSnapshot
from search.engines.local.state import LocalState
from search.engines.server.client import Server
from search.engines.server.frequencies import Vocabulary
from search.engines.server.later import Title, matching, titles_of
from search.engines.server.naming import index_name
from search.engines.server.state import ServerState
from search.settings import Settings
from search.types import Ordinals


class ServerSnapshot(LocalSnapshot[None, ServerState]):
    """One snapshot's parts, and everything appended to them since."""

    def __init__(self, settings: Settings, version: str, server: Server) -> None:
        """Opens and checks the parts in this process; the server is not asked.

        Raises:
            IndexCorrupt: a part is missing, altered, or of another snapshot or engine.
        """
        self._server, self._titles_later = server, list[Title]()
        self._vocabulary = Vocabulary()
        self._ids: IdStore | None = None
        super().__init__(settings, version)
        directory = DataLayout(settings.data).snapshot(version).ids
        self._ids = IdStore(directory, self._documents.ids)

    def _take(self, batches: tuple[Batch, ...]) -> None:
        for batch in batches:
            self._titles_later += titles_of(batch)

    def _open_words(self, path: Path) -> None:
        return None

    @property
    def _known(self) -> IdStore:
        assert self._ids is not None  # states are made after the snapshot is open
        return self._ids

    def _find(self, words: None) -> Callable[[Sequence[str]], Ordinals]:
        seen, end = len(self._known) + self._known.later, len(self._alive)
        self._known.append(seen, self._documents.ids(seen, end))
        return partial(self._known.find, alive=self._alive)

    def _later_rows(self, words: None, first: int, end: int) -> Later:
        titles = self._titles_later[: end - first]

        def later(query: Asks) -> Ordinals:
            return matching(titles, first, query)

        return later

    def _made(self, words: None, local: LocalState) -> ServerState:
        self._vocabulary = self._vocabulary.changed()
        return ServerState(
            **{field.name: getattr(local, field.name) for field in fields(local)},
            server=self._server,
            index=index_name(self._settings.server.prefix, self.manifest.version),
            sequence=self._live.sequence,
            alive=self._alive,
            ids=self._known,
            vocabulary=self._vocabulary,
            dense_there=self._settings.server.dense == "server",
        )
