"""Writes the parts of a snapshot that come from its products; vectors and manifest are apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from search.engines.embedded.schema import WordsWriter
from search.engines.local.attributes import AttributesWriter
from search.engines.local.columns import ColumnsWriter
from search.engines.local.documents import DocumentsWriter
from search.engines.local.fields import analyzer
from search.engines.local.ids import IdsWriter
from search.engines.local.layout import SnapshotLayout
from search.engines.local.measures import Measures, MeasuresWriter
from search.engines.local.texts import TextsWriter
from search.engines.local.titles import TitlesWriter, mark_negated
from search.types import Product


class WordsSink(Protocol):
    """Where the words of a snapshot go: `schema.WordsWriter`, or the loader of a server."""

    def add(self, product: Product, fields: Mapping[str, str], measures: Measures) -> None:
        """Appends the next ordinal."""
        ...

    def finish(self) -> None:
        """Completes them; they can then be searched."""
        ...

    def abort(self) -> None:
        """Gives back what it holds after a failed build."""
        ...


class PartsWriter:
    """Every part of one snapshot that is made product by product.

    The n-th product added has ordinal n. `layout.root` must not hold these parts yet.
    """

    def __init__(
        self,
        layout: SnapshotLayout,
        version: str,
        *,
        heap_bytes: int = 1_000_000_000,
        words: WordsSink | None = None,
    ) -> None:
        """Words are a tantivy index of the snapshot, with a heap of `heap_bytes`, unless they go
        to `words`."""
        self._layout, self._version = layout, version
        self._ids = None if words is None else IdsWriter()
        self._words = words or WordsWriter(layout.words, version, heap_bytes)
        self._documents = DocumentsWriter(layout.documents, version)
        self._columns = ColumnsWriter()
        self._attributes = AttributesWriter()
        self._titles, self._stem = TitlesWriter(), analyzer("phrases").analyze
        self._measures = MeasuresWriter()
        self._texts = TextsWriter(layout.texts, version)
        self.count = 0

    def add(self, product: Product, fields: Mapping[str, str], measures: Measures) -> None:
        """Appends a product; `fields` are its normalised words (see `indexer.analysis`)."""
        self._words.add(product, fields, measures)
        self._documents.add(product)
        self._columns.add(product)
        self._attributes.add(self.count, product)
        self._titles.add(self._stem(" ".join(mark_negated(fields["title"].split()))))
        self._measures.add(self.count, measures)
        self._texts.add(fields)
        if self._ids is not None:
            self._ids.add(product.id)
        self.count += 1

    def finish(self) -> None:
        """Completes every part. Not yet durable: sync the tree before publishing."""
        self._words.finish()
        self._documents.finish()
        self._columns.finish(self._layout.columns, self._version)
        self._attributes.finish(self._layout.attributes, self._version)
        self._titles.finish(self._layout.titles, self._version)
        self._measures.finish(self._layout.measures, self._version)
        self._texts.finish()
        if self._ids is not None:
            self._ids.finish(self._layout.ids, self._version)

    def abort(self) -> None:
        """Gives open files back after a failed build."""
        self._words.abort()
        self._documents.abort()
        self._texts.abort()
