"""The first rewriter: words and codes of the typed text."""

from __future__ import annotations

from dataclasses import replace

from query.text import codes, normalize, words
from search.types import Query


def normalize_query(query: Query) -> Query:
    """Fills `normalized`, `terms` and `codes` from `text`."""
    return replace(
        query,
        normalized=normalize(query.text),
        terms=tuple(words(query.text)),
        codes=tuple(codes(query.text)),
    )
