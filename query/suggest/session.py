"""What a shopper did just before, as far as it says what is likely to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from query.suggest.entries import index_words, singular
from query.suggest.index import Spans, SuggestIndex

MOST = 5
"""Recent queries and categories that count; the last ones."""
_SEPARATOR = " > "
_LOOKED_AT = 16


@dataclass(frozen=True, slots=True)
class Session:
    """The words of recent queries (in the singular), and the shelves they and recent categories
    are of: ranges of the index's categories."""

    words: frozenset[str] = frozenset()
    shelves: tuple[tuple[int, int], ...] = ()


def session_of(index: SuggestIndex, recent: Sequence[str]) -> Session:
    """What recent queries and category paths (joined by " > "), the last one last, tell."""
    words: set[str] = set()
    shelves: list[tuple[int, int]] = []
    for text in recent[-MOST:]:
        path = tuple(part.strip() for part in text.split(_SEPARATOR.strip()) if part.strip())
        low, high = index.within(path) if path else (0, 0)
        if low < high:
            shelves.append((low, high))
            continue
        found = index_words(text)
        words.update(singular(word) for word in found)
        shelf = _home(index, found)
        if len(shelf) > 1:
            shelves.append(index.within(shelf[:-1]))
    return Session(frozenset(words), tuple(dict.fromkeys(shelves)))


def _home(index: SuggestIndex, words: Sequence[str]) -> tuple[str, ...]:
    """Where most products of a query are: the home of the heaviest entry with its words, and of
    those of few words rather one with no others."""
    spans: list[Spans] = []
    for word in words:
        span = index.exact(word)
        if span is None:
            return ()
        spans.append((span,))
    found = index.select(spans, _LOOKED_AT).tolist() if spans else []
    same = [entry for entry in found if len(index_words(index.text(entry))) == len(words)]
    return next((home for entry in same + found if (home := index.category("homes", entry))), ())
