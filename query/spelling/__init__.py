"""Spelling: what was meant by a misspelled query, and how sure that is."""

from query.spelling.builder import SpellingBuilder
from query.spelling.corrector import Corrector, open_spelling

__all__ = ["Corrector", "SpellingBuilder", "open_spelling"]
