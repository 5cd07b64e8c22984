"""Other words for the words of a query, as seeds of recall that never outweigh an exact match."""

from __future__ import annotations

from query.expansion.builder import ExpansionBuilder
from query.expansion.rewrite import ExpansionRewriter, open_expansion
from query.expansion.synonyms import Synonym, parse_synonyms, read_synonyms

__all__ = [
    "ExpansionBuilder",
    "ExpansionRewriter",
    "Synonym",
    "open_expansion",
    "parse_synonyms",
    "read_synonyms",
]
