"""What an answer says it does without: texts of `SearchResponse.fallbacks` for what may be away."""

from __future__ import annotations

WORDS = "words unavailable: meaning only"
PART = "part of the index unavailable: products may be missing"
NAMED = "named products unavailable: as ranked"
FACETS = "facets unavailable: counted here, without attributes"
ATTRIBUTES = "attribute facets unavailable"
CHANGED = "the index changed since the first page: products may repeat or be missing"

INEXACT = frozenset({WORDS, PART, FACETS})
"""With any of these, the number of products found is a lower bound."""
