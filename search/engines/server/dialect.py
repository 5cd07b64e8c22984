"""Queries as Elasticsearch and OpenSearch read them (Query DSL)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from search.engines.dialect import Value

Dsl = dict[str, Any]
_MIDDLE = 1 << 63
_MAX_TERMS = 65_536
"""As many values a server takes in one query (`index.max_terms_count`)."""


def stored(field: str, value: Value) -> Value:
    """A value as the server holds it: its integers are signed, and keys need no arithmetic."""
    if field == "measures":
        return int(value) - _MIDDLE
    return f"{value:016x}" if field == "named" and isinstance(value, int) else value


class DslDialect:
    """Implements `search.engines.dialect.Dialect`. Values are JSON, never a query string."""

    def nothing(self) -> Dsl:
        """See `Dialect.nothing`."""
        return {"match_none": {}}

    def everything(self) -> Dsl:
        """See `Dialect.everything`."""
        return {"match_all": {}}

    def term(self, field: str, value: Value) -> Dsl:
        """See `Dialect.term`."""
        return {"term": {field: {"value": stored(field, value)}}}

    def terms(self, field: str, values: Sequence[Value]) -> Dsl:
        """See `Dialect.terms`."""
        kept = [stored(field, value) for value in values]
        parts = [kept[start : start + _MAX_TERMS] for start in range(0, len(kept), _MAX_TERMS)]
        return self.some([{"terms": {field: part}} for part in parts]) if parts else self.nothing()

    def attributes(self, terms: Sequence[str]) -> Dsl:
        """See `Dialect.attributes`."""
        return self.terms("attributes", terms)

    def phrase(self, field: str, words: Sequence[str]) -> Dsl:
        """See `Dialect.phrase`; the words are analyzed already, and the field's query analyzer
        leaves them as they are."""
        return {"match_phrase": {field: " ".join(words)}}

    def between(self, field: str, low: float, high: float) -> Dsl:
        """See `Dialect.between`."""
        bounds = {"gte": low, "lte": high}
        kept = {name: stored(field, each) for name, each in bounds.items() if math.isfinite(each)}
        return {"range": {field: kept}} if kept else {"exists": {"field": field}}

    def every(self, queries: Sequence[Dsl]) -> Dsl:
        """See `Dialect.every`."""
        return queries[0] if len(queries) == 1 else {"bool": {"must": list(queries)}}

    def some(self, queries: Sequence[Dsl]) -> Dsl:
        """See `Dialect.some`."""
        return queries[0] if len(queries) == 1 else {"bool": {"should": list(queries)}}

    def best(self, queries: Sequence[Dsl]) -> Dsl:
        """See `Dialect.best`."""
        return {"dis_max": {"queries": list(queries)}}

    def boost(self, query: Dsl, weight: float) -> Dsl:
        """See `Dialect.boost`."""
        return {"bool": {"must": [query], "boost": weight}}

    def within(self, query: Dsl, conditions: Sequence[Dsl], excluded: Sequence[Dsl]) -> Dsl:
        """See `Dialect.within`."""
        if not (conditions or excluded):
            return query
        clauses: Dsl = {"must": [query]}
        if conditions:
            clauses["filter"] = list(conditions)
        if excluded:
            clauses["must_not"] = list(excluded)
        return {"bool": clauses}
