"""Spelling: what was meant by a misspelled query, and how sure that is."""

from query.spelling.builder import SpellingBuilder
from query.spelling.corrector import Corrector, open_spelling, shop_words

__all__ = ["Corrector", "SpellingBuilder", "open_spelling", "shop_words"]
