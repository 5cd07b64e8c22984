"""One snapshot and the changes made to it, as their writer sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tantivy

from search.engines.embedded.changes import Batch
from search.engines.embedded.dense import VectorIndex
from search.engines.embedded.documents import DocumentStore, decode_product
from search.engines.embedded.layout import DataLayout
from search.engines.embedded.live import UNCHANGED, load_live, read_state, words_of
from search.engines.embedded.manifest import read_manifest
from search.engines.embedded.schema import open_words
from search.types import Product, Vector


class LiveIndex:
    """Finds the current product of any id; used by one writer at a time.

    Ordinals below `base` are the snapshot's; the products of live changes follow in the order in
    which they were accepted, and no ordinal is ever given twice.
    """

    def __init__(self, data: Path, version: str) -> None:
        """Opens a published snapshot.

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
        words = open_words(self._snapshot.words)
        self._searcher, self._schema = words.searcher(), words.schema
        self._vectors: VectorIndex | None = None
        if self.manifest.vectors is not None:
            self._vectors = VectorIndex.open(self._snapshot.vectors, self.manifest.vectors)

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
                self.documents.append([next(products)])
        vectors = batch.vectors if batch.vectors is not None else [None] * len(batch.products)
        self._later_vectors.extend(vectors)

    def find(self, product_id: str) -> int | None:
        """The ordinal of a product's present form, None when there is no such product."""
        later = self._ordinals.get(product_id)
        if later is not None:
            return later
        query = tantivy.Query.term_query(self._schema, "id", product_id)
        hits = self._searcher.search(query, limit=1, count=False).hits
        if not hits:
            return None
        (ordinal,) = self._searcher.fast_field_values("ord", [hits[0][1]])
        assert isinstance(ordinal, int)
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
