"""Understanding a query: from what was typed to words, codes and, later, meaning and intent."""

from query.normalize import normalize_query
from query.text import codes, normalize, words

__all__ = ["codes", "normalize", "normalize_query", "words"]
