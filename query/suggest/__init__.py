"""Suggestions while a query is typed: entries from the query log and the catalogue, learned by the
index job, searched by prefix in mapped files."""

from query.suggest.builder import SuggestBuilder
from query.suggest.complete import Suggester, Suggestion
from query.suggest.entries import Entry, Kind, distinct
from query.suggest.files import write_entries

__all__ = [
    "Entry",
    "Kind",
    "SuggestBuilder",
    "Suggester",
    "Suggestion",
    "distinct",
    "write_entries",
]
