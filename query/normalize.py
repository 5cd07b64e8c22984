"""The first rewriter: words and codes of the typed text."""

from __future__ import annotations

from dataclasses import replace

from query.text import codes, normalize, tokens
from search.types import Query


def normalize_query(query: Query) -> Query:
    """Fills `normalized`, `corrected` (the same, until something corrects it), `terms` and `codes`
    from `text`."""
    normalized = normalize(query.text)
    return replace(
        query,
        normalized=normalized,
        corrected=normalized,
        terms=tuple(token.text for token in tokens(normalized)),
        codes=tuple(codes(query.text)),
    )
