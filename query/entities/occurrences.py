"""The keys of a title: which of its words may mean a value of their own."""

from __future__ import annotations

from collections.abc import Sequence

from query.entities.keys import join
from query.entities.titles import Title, grams
from query.entities.values import LONGEST, Lexicon


def occurrences(
    lexicon: Lexicon, title: Title, truth: frozenset[int]
) -> dict[str, tuple[int, int]]:
    """The keys in a product's title and where, but for those that are merely part of a longer name
    the product has (`blue` in the brand `Blue Kettle`), and those that a preposition keeps from
    being the product's (`Apple` in `for Apple iPhone`)."""
    words = title.words
    found: dict[tuple[int, int], str] = {}
    for start, end in grams(words, LONGEST):
        each = words[start] if end == start + 1 else join(words[start:end])
        if each in lexicon.readings:
            found[start, end] = each
    names = {span for span, each in found.items() if _own(lexicon, truth, each)}
    return {
        each: span
        for span, each in found.items()
        if (span in names or not any(_overlaps(span, name) for name in names))
        and _counts(lexicon, truth, each, [found[n] for n in names if _within(span, n)])
        and not (title.tail[span[0]] and span not in names)
    }


def _own(lexicon: Lexicon, truth: frozenset[int], each: str) -> frozenset[int]:
    return truth.intersection(lexicon.readings[each])


def _counts(lexicon: Lexicon, truth: frozenset[int], each: str, around: Sequence[str]) -> bool:
    """Whether a key means something of its own within the longer names around it."""
    if not around:
        return True
    own = _own(lexicon, truth, each)
    return bool(own.difference(*(lexicon.readings[name] for name in around)))


def _overlaps(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span[0] < other[1] and other[0] < span[1] and not _within(other, span)


def _within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return other[0] <= span[0] and span[1] <= other[1] and span != other
