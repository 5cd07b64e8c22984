"""The words index: its fields, its analyzers, and the document made of a product.

Text arrives normalised (see `indexer.analysis`); tantivy only splits at spaces and stems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tantivy
from tantivy import Occur

from search.engines.local.attributes import (
    attribute_key,
    attribute_terms,
    term_name,
    term_value,
)
from search.engines.local.fields import analyzer, indexed_values
from search.engines.local.layout import stamp
from search.engines.local.measures import Measures
from search.errors import IndexCorrupt
from search.types import Ordinals, Product

_STEMMED, _WHOLE = "aisle_stemmed", "aisle_whole"


def build_schema() -> tantivy.Schema:
    """The fields of the words index.

    `ord` is the document's ordinal: its number within a single segment, and the only way to know
    it once live changes added more. Fast fields serve sorting, ranges and facets. `phrases` is the
    title with negated words marked, `named` tells a whole title from others, and `measures` holds
    the keys of what a product measures.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("ord", indexed=True, fast=True)
    builder.add_text_field("all", tokenizer_name=_STEMMED, index_option="freq")
    builder.add_text_field("title", tokenizer_name=_STEMMED, index_option="freq")
    builder.add_text_field("tags", tokenizer_name=_STEMMED, index_option="freq")
    builder.add_text_field("codes", tokenizer_name=_WHOLE, index_option="freq")
    builder.add_text_field("phrases", tokenizer_name=_STEMMED, index_option="position")
    builder.add_unsigned_field("named", indexed=True)
    builder.add_unsigned_field("measures", fast=True)
    for name in ("price", "rating", "created"):
        builder.add_float_field(name, fast=True)
    builder.add_boolean_field("in_stock", indexed=True, fast=True)
    for name in ("brand", "color", "category", "attribute_names"):
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_json_field("values", fast=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def register_analyzers(index: tantivy.Index) -> None:
    """Names the analyzers; needed after every open, since tantivy does not store them."""
    index.register_tokenizer(_STEMMED, analyzer("all"))
    index.register_tokenizer(_WHOLE, analyzer("codes"))


def create_words(directory: Path) -> tantivy.Index:
    """A new, empty words index."""
    directory.mkdir(parents=True)
    index = tantivy.Index(build_schema(), path=str(directory))
    register_analyzers(index)
    return index


def open_words(directory: Path) -> tantivy.Index:
    """An existing words index.

    Raises:
        IndexCorrupt: tantivy cannot open it.
    """
    try:
        index = tantivy.Index.open(str(directory))
    except ValueError as error:
        # tantivy takes a lock to open an index, so a reader needs to write too.
        denied = "PermissionDenied" in str(error)
        remedy = "give this user write access to it" if denied else "index again"
        raise IndexCorrupt(f"{directory} cannot be opened ({error}): {remedy}") from error
    register_analyzers(index)
    return index


def ordinals_of(searcher: tantivy.Searcher, schema: tantivy.Schema, ids: Sequence[str]) -> Ordinals:
    """The ordinals of the products that have one of these ids."""
    query = tantivy.Query.term_set_query(schema, "id", list(ids))
    hits = searcher.search(query, max(len(ids), 1), count=False).hits
    found = searcher.fast_field_values("ord", [address for _, address in hits])
    return np.array(found, np.int32)


def ordinals_from(
    searcher: tantivy.Searcher,
    schema: tantivy.Schema,
    query: tantivy.Query,
    first: int,
    end: int,
) -> Ordinals:
    """The ordinals from `first` to before `end` of the products that match a query."""
    if first >= end:
        return np.empty(0, np.int32)
    unsigned = tantivy.FieldType.Unsigned
    within = tantivy.Query.range_query(schema, "ord", unsigned, first, end - 1)
    both = tantivy.Query.boolean_query([(Occur.Must, query), (Occur.Must, within)])
    hits = searcher.search(both, end - first, count=False).hits
    found = searcher.fast_field_values("ord", [address for _, address in hits])
    return np.array(found, np.int32)


def words_document(
    ordinal: int,
    product: Product,
    fields: Mapping[str, str],
    measures: Measures,
    schema: tantivy.Schema,
) -> tantivy.Document:
    """What tantivy indexes of a product; `fields` are the normalised words of `TEXT_FIELDS`."""
    values = indexed_values(ordinal, product, fields, measures)
    values["values"] = attribute_values(attribute_terms(product))
    return tantivy.Document.from_dict(values, schema)


def attribute_values(terms: Sequence[str]) -> dict[str, list[str | float | bool]]:
    """The values of attribute terms by key: one tantivy column per attribute."""
    values: dict[str, list[str | float | bool]] = {}
    for term in terms:
        values.setdefault(attribute_key(term_name(term)), []).append(term_value(term))
    return values


class WordsWriter:
    """Builds the words index of a snapshot.

    With one thread and a heap that holds everything, the index is one segment, whose document
    numbers are the ordinals. A smaller heap gives several, which are read a little more slowly.
    """

    def __init__(self, directory: Path, version: str, heap_bytes: int = 1_000_000_000) -> None:
        self._directory, self._version = directory, version
        self._index = create_words(directory)
        self._schema = self._index.schema
        self._writer = self._index.writer(heap_bytes, num_threads=1)
        self._count = 0

    def add(self, product: Product, fields: Mapping[str, str], measures: Measures) -> None:
        """Appends the next ordinal."""
        document = words_document(self._count, product, fields, measures, self._schema)
        self._writer.add_document(document)
        self._count += 1

    def finish(self) -> None:
        """Commits; the index can then be opened."""
        self._writer.commit()
        self._writer.wait_merging_threads()
        stamp(self._directory, self._version)

    def abort(self) -> None:
        """Nothing is held: the build's directory goes away as a whole."""
