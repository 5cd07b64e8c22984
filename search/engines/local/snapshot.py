"""An open snapshot and the live changes on it, as one process holds them.

Columns, documents, attributes and vectors are mapped once and shared by every view. Live changes
append rows to them, and never alter a row, so a view made earlier stays as it was.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence, Sized
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from search.engines.local.arrays import GrowingArray
from search.engines.local.attributes import AttributeStore
from search.engines.local.changes import Batch
from search.engines.local.columns import ColumnStore
from search.engines.local.conditions import Later
from search.engines.local.dense import VectorIndex
from search.engines.local.documents import DocumentStore, decode_product
from search.engines.local.facts import EmbeddedFacts
from search.engines.local.filters import FilterIndex
from search.engines.local.layout import DataLayout
from search.engines.local.live import UNCHANGED, LiveUpdate, live_version, load_live
from search.engines.local.manifest import Manifest, verify
from search.engines.local.masks import MaskCache
from search.engines.local.measures import MeasureStore
from search.engines.local.order import BaseOrders
from search.engines.local.state import LocalState
from search.engines.local.text_store import TextStore
from search.engines.local.titles import TitleStore
from search.errors import IndexCorrupt
from search.settings import Settings
from search.types import Mask, Ordinals, Vectors

_ATTEMPTS = 5
W = TypeVar("W")
"""The words of one state, opened."""
S = TypeVar("S", bound=LocalState)
"""The engine's states."""


class LocalSnapshot(ABC, Generic[W, S]):
    """One snapshot's parts, and everything appended to them since.

    `state()` makes views; `advance()` follows live changes, one caller at a time.
    """

    def __init__(self, settings: Settings, version: str) -> None:
        """Opens and checks a snapshot.

        Raises:
            IndexCorrupt: a part is missing, altered, or of another snapshot or engine.
        """
        self._settings = settings
        layout = DataLayout(settings.data).snapshot(version)
        self.manifest: Manifest = verify(layout.root, full=False)
        self._check_engine(version)
        self._words: Path = layout.words
        self._understanding = layout.understanding if layout.understanding.is_dir() else None
        self._recent: tuple[str, ...] = ()
        self._columns = ColumnStore(layout.columns)
        self._documents = DocumentStore(layout.documents)
        self._attributes = AttributeStore(layout.attributes)
        self._titles = TitleStore(layout.titles)
        self._measures = MeasureStore(layout.measures)
        self._texts = TextStore(layout.texts)
        self._check_counts(layout.root)
        self._vectors = self._open_vectors(layout.vectors)
        dimensions = self.manifest.dimensions or 0
        self._later = GrowingArray(np.empty((0, dimensions), np.float32))
        self._alive: Mask = np.ones(len(self._columns), np.bool_)
        self._orders = BaseOrders(self._columns.view(len(self._columns)))
        self._live = UNCHANGED
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """The newest state's name."""
        return live_version(self.manifest.version, self._live)

    def _check_engine(self, version: str) -> None:
        made, chosen = self.manifest.engine, self._settings.engine
        if made != chosen:
            raise IndexCorrupt(
                f"snapshot {version} was made for engine {made!r}, and the settings say "
                f"{chosen!r}: run `aisle reindex`, or set engine back"
            )

    def _check_counts(self, root: Path) -> None:
        expected = self.manifest.counts["products"]
        parts: dict[str, Sized] = {
            "columns": self._columns,
            "documents": self._documents,
            "titles": self._titles,
            "measures": self._measures,
            "texts": self._texts,
        }
        for name, part in parts.items():
            if len(part) != expected:
                raise IndexCorrupt(
                    f"{root / name} holds {len(part)} products, the manifest says {expected}: "
                    "index the catalogue again"
                )

    def _open_vectors(self, path: Path) -> VectorIndex | None:
        report = self.manifest.vectors
        return None if report is None else VectorIndex.open(path, report)

    def open_state(self) -> S:
        """The newest state, live changes included.

        Raises:
            IndexCorrupt: the words index or a batch of changes is damaged.
        """
        with self._lock:
            return self._follow() or self._state(self._open_words(self._words))

    def advance(self) -> S | None:
        """The state after newer live changes; None when there are none.

        Raises:
            IndexCorrupt: a batch of changes is damaged; earlier states stay usable.
        """
        with self._lock:
            return self._follow()

    def _follow(self) -> S | None:
        for attempt in range(_ATTEMPTS):
            update = load_live(self._settings.data, self.manifest.version, self._live)
            if update is None:
                return None
            try:
                return self._apply(update)
            except IndexCorrupt:
                # Its words may have been replaced by newer ones meanwhile: look again.
                if update.words.is_dir() or attempt == _ATTEMPTS - 1:
                    raise
        return None

    def _apply(self, update: LiveUpdate) -> S:
        """Opens and decodes everything first, so that a failure leaves nothing half done."""
        words = self._open_words(update.words)
        encoded = [product for batch in update.batches for product in batch.products]
        products = [decode_product(content) for content in encoded]
        vectors, texts = self._batch_vectors(update.batches), self._batch_texts(update.batches)
        alive = np.concatenate([self._alive, np.ones(len(products), np.bool_)])
        alive[[ordinal for batch in update.batches for ordinal in batch.dead]] = False
        self._attributes.append(len(self._columns), products)
        self._columns.append(products)
        self._documents.append(encoded)
        self._texts.append(texts)
        self._take(update.batches)
        if vectors is not None:
            self._later.append(vectors)
        self._alive, self._live = alive, update.state
        self._recent += tuple(f"{product.title} {product.brand or ''}" for product in products)
        return self._state(words)

    def _take(self, batches: tuple[Batch, ...]) -> None:
        """Keeps what else an engine needs of batches."""

    def _batch_vectors(self, batches: tuple[Batch, ...]) -> Vectors | None:
        if self._vectors is None:
            return None
        found = [batch.vectors for batch in batches if batch.vectors is not None]
        rows = sum(len(batch.products) for batch in batches)
        if sum(map(len, found)) != rows:
            raise IndexCorrupt(
                f"live changes of {self.manifest.version} hold {sum(map(len, found))} vectors for "
                f"{rows} products: index again"
            )
        return np.concatenate(found) if found else None

    def _batch_texts(self, batches: tuple[Batch, ...]) -> list[bytes]:
        texts = [text for batch in batches for text in batch.texts]
        rows = sum(len(batch.products) for batch in batches)
        if len(texts) != rows:
            raise IndexCorrupt(
                f"live changes of {self.manifest.version} hold the texts of {len(texts)} products "
                f"instead of {rows}: index again"
            )
        return texts

    def _state(self, words: W) -> S:
        columns = self._columns.view(len(self._alive))
        filters = FilterIndex(
            columns,
            self._columns.dictionaries,
            self._attributes,
            self._titles,
            self._measures,
            find=self._find(words),
            later=self._later_rows(words, len(self._titles), len(self._alive)),
        )
        later = self._later.rows(len(self._later))
        facts = EmbeddedFacts(
            version=self.version,
            filters=filters,
            statistics=self._columns.statistics(),
            texts=self._texts.view(),
            stored=self._vectors,
            later=later,
            documents=self._documents,
        )
        local = LocalState(
            version=self.version,
            encoder=self.manifest.encoder,
            columns=columns,
            filters=filters,
            masks=MaskCache(filters, self._alive),
            documents=self._documents,
            orders=self._orders,
            vectors=self._vectors,
            later=later,
            facts=facts,
            settings=self._settings.words,
            understanding=self._understanding,
            recent=self._recent,
        )
        return self._made(words, local)

    @abstractmethod
    def _open_words(self, path: Path) -> W:
        """Opens the words of the snapshot, or those with all changes; raises IndexCorrupt."""

    @abstractmethod
    def _find(self, words: W) -> Callable[[Sequence[str]], Ordinals]:
        """Gives the ordinals of product ids."""

    @abstractmethod
    def _later_rows(self, words: W, first: int, end: int) -> Later:
        """Gives the ordinals of live changes that match a query."""

    @abstractmethod
    def _made(self, words: W, local: LocalState) -> S:
        """The state of the engine."""
