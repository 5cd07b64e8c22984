"""Writes the parts of a snapshot that come from its products; vectors and manifest are apart."""

from __future__ import annotations

from collections.abc import Mapping

from search.engines.embedded.attributes import AttributesWriter
from search.engines.embedded.columns import ColumnsWriter
from search.engines.embedded.documents import DocumentsWriter
from search.engines.embedded.layout import SnapshotLayout
from search.engines.embedded.schema import WordsWriter
from search.types import Product


class PartsWriter:
    """Words, columns, documents and attributes of one snapshot, product by product.

    The n-th product added has ordinal n. `layout.root` must not hold these parts yet.
    """

    def __init__(
        self, layout: SnapshotLayout, version: str, *, heap_bytes: int = 1_000_000_000
    ) -> None:
        self._layout, self._version = layout, version
        self._words = WordsWriter(layout.words, version, heap_bytes)
        self._documents = DocumentsWriter(layout.documents, version)
        self._columns = ColumnsWriter()
        self._attributes = AttributesWriter()
        self.count = 0

    def add(self, product: Product, fields: Mapping[str, str]) -> None:
        """Appends a product; `fields` are its normalised words (see `indexer.analysis`)."""
        self._words.add(product, fields)
        self._documents.add(product)
        self._columns.add(product)
        self._attributes.add(self.count, product)
        self.count += 1

    def finish(self) -> None:
        """Completes every part. Not yet durable: sync the tree before publishing."""
        self._words.finish()
        self._documents.finish()
        self._columns.finish(self._layout.columns, self._version)
        self._attributes.finish(self._layout.attributes, self._version)

    def abort(self) -> None:
        """Gives open files back after a failed build."""
        self._documents.abort()
