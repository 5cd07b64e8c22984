"""What a mistyped word may have been meant to be: the known beginnings one or two edits away.

Damerau's edits (a letter wrong, missing, too many, or two swapped; CACM 7(3), 1964) are tried where
they can help: the trie knows every beginning of every word, so an edit must come at the latest
where the typed text leaves the trie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from query.suggest.index import Span, SuggestIndex

SHORTEST = 4
"""Letters from which on a word may be a mistyped one."""
_LONGEST = 30
_FIRST_FROM = 6
"""Letters from which on the first of them may be wrong: `air` is not meant for `hair`."""
_TWICE_FROM = 7
"""Letters from which on two edits are tried when one finds nothing."""
COST = 2.5
"""What an edit costs in weight: a factor of 12 in use."""
_LATE_COST = 2.0
"""What it costs more when the edit only takes away what was typed last, or changes the first
letter, which is rarely wrong."""
_DOUBLED = -1.0
"""What it costs less when a letter was doubled, or a double one was not: the commonest error."""
_MOST_SPANS = 12
_MOST_STEPS = 12


def near(index: SuggestIndex, typed: str, *, whole: bool) -> tuple[Span, ...]:
    """The words near a typed one (`whole`), or those that begin nearly so; at most 12 spans, the
    likeliest first."""
    if not SHORTEST <= len(typed) <= _LONGEST or typed.isdecimal():
        return ()
    first = 0 if len(typed) >= _FIRST_FROM else 1
    found = _spans(index, _cheapest(_edits(index, typed, first, whole)), COST, whole)
    if not found and len(typed) >= _TWICE_FROM:
        found = _spans(index, _cheapest(_twice(index, typed, whole)), 2 * COST, whole)
    return tuple(sorted(found, key=lambda span: span.cost)[:_MOST_SPANS])


def _cheapest(texts: Iterable[tuple[str, float]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for text, extra in texts:
        best[text] = min(extra, best.get(text, extra))
    return best


def _spans(index: SuggestIndex, texts: dict[str, float], cost: float, whole: bool) -> list[Span]:
    spans = []
    for text, extra in texts.items():
        span = index.exact(text) if whole else index.beginning(text)
        if span is not None:
            spans.append(Span(span.low, span.high, cost + extra))
    return spans


def _known_length(index: SuggestIndex, typed: str) -> int:
    """How many letters of a text some word begins with."""
    return max(map(len, index.trie.prefixes(typed)), default=0)


def _edits(index: SuggestIndex, typed: str, start: int, whole: bool) -> Iterator[tuple[str, float]]:
    """Every text one edit away that some word begins with, and what it costs beyond an edit."""
    known = index.trie.__contains__
    for place in range(start, _known_length(index, typed) + 1):
        for text, extra in _at(index, typed, place, whole):
            if known(text):
                yield text, extra + (_LATE_COST if place == 0 else 0.0)


def _at(index: SuggestIndex, typed: str, place: int, whole: bool) -> Iterator[tuple[str, float]]:
    """The edits at one place, those left out that no word begins with up to there."""
    before, after = typed[:place], typed[place + 1 :]
    known = index.trie.__contains__
    for letter in index.letters:
        if known(before + letter):
            yield before + letter + typed[place:], _DOUBLED if before[-1:] == letter else 0.0
            if place < len(typed) and letter != typed[place]:
                yield before + letter + after, 0.0 if after or whole else _LATE_COST
    if place < len(typed):
        doubled = _DOUBLED if typed[place] == before[-1:] else 0.0
        yield before + after, doubled if after or whole else _LATE_COST
    if after:
        yield before + after[0] + typed[place] + after[1:], 0.0


def _twice(index: SuggestIndex, typed: str, whole: bool) -> Iterator[tuple[str, float]]:
    """Texts two edits away, the first letter kept. Of the texts one edit away, those are edited
    again that have the fewest letters left which no word continues with."""
    left: dict[str, int] = {}
    for place in range(1, _known_length(index, typed) + 1):
        for text, extra in _at(index, typed, place, whole):
            if extra <= 0 and text not in left:
                left[text] = len(text) - _known_length(index, text)
    for text in sorted(left, key=lambda text: left[text])[:_MOST_STEPS]:
        # The second edit comes where the text leaves the trie, or two letters before.
        start = max(1, len(text) - left[text] - 2)
        yield from _edits(index, text, start, whole)
