"""One snapshot and the changes made to it, as their writer sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import tantivy

from indexer.server_words import ServerWords
from search.engines.embedded.schema import open_words
from search.engines.local.changes import Batch
from search.engines.local.dense import VectorIndex
from search.engines.local.documents import DocumentStore, decode_product
from search.engines.local.ids import IdStore
from search.engines.local.layout import DataLayout
from search.engines.local.live import UNCHANGED, load_live, read_state, words_of
from search.engines.local.manifest import read_manifest
from search.errors import IndexCorrupt
from search.settings import Settings
from search.types import Product, Vector


class LiveIndex:
    """Finds the current product of any id; used by one writer at a time.

    Ordinals below `base` are the snapshot's; the products of live changes follow in the order in
    which they were accepted, and no ordinal is ever given twice.
    """

    def __init__(self, data: Path, version: str, settings: Settings | None = None) -> None:
        """Opens a published snapshot. Who changes one whose words are on a server needs the
        settings of that server.

        Raises:
            IndexCorrupt: a part of it cannot be used.
        """
        layout = DataLayout(data)
        self.data, self.version = data, version
        self.live, self._snapshot = layout.live(version), layout.snapshot(version)
        self.manifest = read_manifest(self._snapshot.root)
        self.documents = DocumentStore(self._snapshot.documents)
        self.base = len(self.documents)
        self.state = UNCHANGED
        self.dead: set[int] = set()
        self._ordinals: dict[str, int] = {}
        self._later_vectors: list[Vector | None] = []
        self._births: dict[int, int] = {}
        self._find: Callable[[str], int | None] = self._finding()
        self._settings = settings
        self._server_words: ServerWords | None = None
        self._vectors: VectorIndex | None = None
        if self.manifest.vectors is not None:
            self._vectors = VectorIndex.open(self._snapshot.vectors, self.manifest.vectors)

    def _finding(self) -> Callable[[str], int | None]:
        """What finds the snapshot's own ordinals, dead ones too."""
        if self.manifest.engine == "embedded":
            words = open_words(self._snapshot.words)
            return partial(_found_by_words, words.searcher(), words.schema)
        ids = IdStore(self._snapshot.ids, self.documents.ids)
        return lambda product_id: next(iter(ids.candidates(product_id)), None)

    @property
    def server_words(self) -> ServerWords:
        """The words of an index on a server, to be changed.

        Raises:
            IndexCorrupt: the snapshot was made for another engine than the settings name.
            BadInput, EngineUnavailable: the server cannot be reached.
        """
        settings = self._settings
        if settings is None or settings.engine != self.manifest.engine:
            raise IndexCorrupt(
                f"snapshot {self.version} has its words on {self.manifest.engine}; set engine to "
                "that, or make the index anew with `aisle index`"
            )
        if self._server_words is None:
            self._server_words = ServerWords(settings, self.version)
        return self._server_words

    def birth(self, ordinal: int) -> int | None:
        """The batch that added a product; None for the snapshot's own."""
        return self._births.get(ordinal)

    @property
    def words(self) -> Path:
        """The words index of the present state."""
        applied = self.state.sequence > 0
        return words_of(self.live, self.state) if applied else self._snapshot.words

    @property
    def log(self) -> Path:
        """The log of changes."""
        return self.live / "changes.log"

    def follow(self) -> None:
        """Takes in what other processes have applied since."""
        update = load_live(self.data, self.version, self.state)
        if update is not None:
            for batch in update.batches:
                self.absorb(batch)
            self.state = update.state
        newest = read_state(self.live)
        if newest.sequence == self.state.sequence:  # positions may move without a change
            self.state = newest

    def absorb(self, batch: Batch) -> None:
        """Takes in the products of one batch; the caller sets `state`."""
        self.dead.update(batch.dead)
        products = iter(batch.products)
        for entry in batch.entries:
            if entry.kind == "delete":
                self._ordinals.pop(entry.id, None)
            else:
                self._ordinals[entry.id] = len(self.documents)
                self._births[len(self.documents)] = batch.sequence
                self.documents.append([next(products)])
        vectors = batch.vectors if batch.vectors is not None else [None] * len(batch.products)
        self._later_vectors.extend(vectors)

    def find(self, product_id: str) -> int | None:
        """The ordinal of a product's present form, None when there is no such product."""
        later = self._ordinals.get(product_id)
        if later is not None:
            return later
        ordinal = self._find(product_id)
        return None if ordinal in self.dead else ordinal

    def product(self, ordinal: int) -> Product:
        """The stored product."""
        return decode_product(self.documents.json(ordinal))

    def vector(self, ordinal: int) -> Vector | None:
        """The stored embedding, None when there is none."""
        if ordinal >= self.base:
            return self._later_vectors[ordinal - self.base]
        return None if self._vectors is None else self._vectors.vector(ordinal)

    def alive(self) -> Iterator[int]:
        """The ordinals of all products, ascending."""
        return (ordinal for ordinal in range(len(self.documents)) if ordinal not in self.dead)

    @property
    def count(self) -> int:
        """How many products there are."""
        return len(self.documents) - len(self.dead)

    @property
    def changed(self) -> int:
        """Products added or ended since the snapshot: what a merge would fold in."""
        return len(self.documents) - self.base + sum(1 for o in self.dead if o < self.base)


def _found_by_words(
    searcher: tantivy.Searcher, schema: tantivy.Schema, product_id: str
) -> int | None:
    query = tantivy.Query.term_query(schema, "id", product_id)
    hits = searcher.search(query, limit=1, count=False).hits
    if not hits:
        return None
    (ordinal,) = searcher.fast_field_values("ord", [hits[0][1]])
    assert isinstance(ordinal, int)
    return ordinal
