"""Queries and word counts of tantivy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tantivy
from tantivy import FieldType, Occur

from search.engines.dialect import Value
from search.engines.local.attributes import attribute_key, term_name, term_value

_WORDS = ("all", "title", "tags", "codes")
"""The fields that score; the others are only matched."""
_FIELD_TYPES = {"ord": FieldType.Unsigned, "measures": FieldType.Unsigned}


@dataclass(frozen=True, slots=True)
class TantivyDialect:
    """Implements `search.engines.dialect.Dialect`."""

    schema: tantivy.Schema

    def nothing(self) -> tantivy.Query:
        """See `Dialect.nothing`."""
        return tantivy.Query.empty_query()

    def everything(self) -> tantivy.Query:
        """See `Dialect.everything`."""
        return tantivy.Query.all_query()

    def term(self, field: str, value: Value) -> tantivy.Query:
        """See `Dialect.term`."""
        option = "freq" if field in _WORDS else "basic"
        return tantivy.Query.term_query(self.schema, field, value, option)

    def terms(self, field: str, values: Sequence[Value]) -> tantivy.Query:
        """See `Dialect.terms`."""
        return tantivy.Query.term_set_query(self.schema, field, list(values))

    def attributes(self, terms: Sequence[str]) -> tantivy.Query:
        """See `Dialect.attributes`: typed terms of the attribute's own path."""
        path = f"values.{attribute_key(term_name(terms[0]))}"
        return self.terms(path, [term_value(term) for term in terms])

    def phrase(self, field: str, words: Sequence[str]) -> tantivy.Query:
        """See `Dialect.phrase`."""
        return tantivy.Query.phrase_query(self.schema, field, list(words))

    def between(self, field: str, low: float, high: float) -> tantivy.Query:
        """See `Dialect.between`."""
        kind = _FIELD_TYPES.get(field, FieldType.Float)
        bounds = (low, high) if kind == FieldType.Float else (int(low), int(high))
        return tantivy.Query.range_query(self.schema, field, kind, *bounds)

    def every(self, queries: Sequence[tantivy.Query]) -> tantivy.Query:
        """See `Dialect.every`."""
        return _combined(Occur.Must, queries)

    def some(self, queries: Sequence[tantivy.Query]) -> tantivy.Query:
        """See `Dialect.some`; flat, because tantivy reads nested disjunctions more slowly."""
        return _combined(Occur.Should, queries)

    def best(self, queries: Sequence[tantivy.Query]) -> tantivy.Query:
        """See `Dialect.best`."""
        return tantivy.Query.disjunction_max_query(list(queries))

    def boost(self, query: tantivy.Query, weight: float) -> tantivy.Query:
        """See `Dialect.boost`."""
        return tantivy.Query.boost_query(query, weight)

    def within(
        self,
        query: tantivy.Query,
        conditions: Sequence[tantivy.Query],
        excluded: Sequence[tantivy.Query],
    ) -> tantivy.Query:
        """See `Dialect.within`."""
        if not (conditions or excluded):
            return query
        unscored = (tantivy.Query.const_score_query(each, 0.0) for each in conditions)
        clauses = [(Occur.Must, query), *((Occur.Must, each) for each in unscored)]
        return tantivy.Query.boolean_query(clauses + [(Occur.MustNot, each) for each in excluded])


def _combined(occur: Occur, queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(occur, query) for query in queries])


@dataclass(frozen=True, slots=True)
class TantivyFrequencies:
    """Implements `search.engines.dialect.Frequencies`."""

    searcher: tantivy.Searcher

    @property
    def documents(self) -> int:
        """See `Frequencies.documents`."""
        return int(self.searcher.num_docs)

    def frequency(self, field: str, word: str) -> int:
        """See `Frequencies.frequency`."""
        return int(self.searcher.doc_freq(field, word))
