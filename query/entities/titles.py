"""A title taken apart: its stems, and where its phrases end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from query.entities.keys import DROPPED, stem
from query.text import normalize, tokens

_BREAK = re.compile(r"[,;:|()\[\]{}/+•·–—*]|\s-|-\s|\.\s")
PREPOSITIONS = frozenset(
    {"for", "with", "without", "by", "in", "from", "to", "of", "on", "at", "as", "w", "plus"}
    | {"includes", "including", "compatible", "fits"}
)
"""What follows one of these says something about the thing, and is not the thing."""
STOPWORDS = PREPOSITIONS | frozenset(
    {"a", "an", "the", "or", "no", "not", "is", "are", "be", "it", "its", "this", "that", "you"}
    | {"your", "my", "our", "new", "best", "great", "good", "top"}
)
WORDS = 40
"""Words of a title that are looked at."""


@dataclass(frozen=True, slots=True)
class Title:
    """`words` are stems, `forms` the same words as written (normalized), all of one length n.
    `ends[i]` tells whether a phrase ends after word i, `tail[i]` whether word i stands behind a
    preposition (`for`, `with`), in what is said about the thing."""

    words: tuple[str, ...]
    forms: tuple[str, ...]
    ends: tuple[bool, ...]
    tail: tuple[bool, ...]


def analyze(text: str) -> Title:
    """Takes a title apart; a preposition ends a phrase and opens a tail that lasts to the next
    comma, bracket or dash."""
    normalized = normalize(text)
    found = [t for t in tokens(normalized)[:WORDS] if t.text not in DROPPED]
    forms = tuple(t.text for t in found)
    breaks = [bool(_BREAK.search(normalized[a.end : b.start])) for a, b in pairwise(found)] + [True]
    prepositions = [form in PREPOSITIONS for form in forms]
    digits = [any(c.isdigit() for c in form) for form in forms]
    ends = tuple(
        breaks[i] or prepositions[i + 1] or digits[i] or digits[i + 1]
        for i in range(len(found) - 1)
    ) + ((True,) if found else ())
    return Title(tuple(map(stem, forms)), forms, ends, tuple(_tails(prepositions, breaks)))


def _tails(prepositions: list[bool], breaks: list[bool]) -> Iterator[bool]:
    tail = False
    for preposition, broken in zip(prepositions, breaks, strict=False):
        tail = tail or preposition
        yield tail
        if broken:
            tail = False


def grams(words: tuple[str, ...], longest: int) -> Iterator[tuple[int, int]]:
    """Every span of at most `longest` words, as (start, end)."""
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield start, end
