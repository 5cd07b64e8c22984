"""What a condition looks like: token patterns for spaCy's Matcher over the lexer's symbols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from query.light_spacy import Doc, Matcher, StringStore, Vocab
from query.phrases.lexer import Lexeme
from query.phrases.vocabulary import (
    AFTER_OVER,
    AFTER_UNDER,
    AROUND,
    DOUBTFUL,
    HIGH,
    LEADS,
    LOW,
    MINUS,
    OVER,
    PACKS,
    REFUSING,
    REGIONS,
    UNDER,
)

Pattern = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Span:
    """Lexemes `start` to `end` that a pattern named `label` fits."""

    label: str
    start: int
    end: int


_NUMBER: Pattern = [{"TAG": "number"}]
_UNIT: Pattern = [{"TAG": "unit"}]
_MONEY: Pattern = [{"TAG": "currency", "OP": "?"}, *_NUMBER, {"TAG": "currency", "OP": "?"}]
_HYPHEN: Pattern = [{"ORTH": "-", "OP": "?"}]
_LEAD: Pattern = [{"ORTH": {"IN": [word for word in LEADS if " " not in word]}, "OP": "?"}]
_SIDE: Pattern = [*_NUMBER, {"TAG": "unit", "OP": "?"}]


def _word(text: str) -> Pattern:
    return [{"ORTH": text}]


def _one_of(words: Iterable[str]) -> Pattern:
    return [{"ORTH": {"IN": list(words)}}]


def _phrases(phrases: Sequence[str]) -> list[Pattern]:
    """One pattern for all single words, one for each longer phrase."""
    single = [phrase for phrase in phrases if " " not in phrase]
    longer = [phrase.split() for phrase in phrases if " " in phrase]
    return [_one_of(single), *([{"ORTH": word} for word in phrase] for phrase in longer)]


def _range(*joints: str) -> Pattern:
    return [*_MONEY, *_one_of(joints), *_MONEY]


PATTERNS: dict[str, list[Pattern]] = {
    "measure": [[*_NUMBER, *_HYPHEN, *_UNIT]],
    "measure range": [[*_NUMBER, *_one_of(("-", "to")), *_NUMBER, *_HYPHEN, *_UNIT]],
    "measure under": [[*cue, *_NUMBER, *_HYPHEN, *_UNIT] for cue in _phrases(UNDER)],
    "measure over": [[*cue, *_NUMBER, *_HYPHEN, *_UNIT] for cue in _phrases(OVER)],
    "sides": [
        [*_SIDE, *_word("x"), *_SIDE],
        [*_SIDE, *_word("x"), *_SIDE, *_word("x"), *_SIDE],
    ],
    "pack": [[*_one_of(PACKS), *_word("of"), *_NUMBER]],
    "persons": [[*_word("sleeps"), *_NUMBER]],
    "size": [
        [*_word("size"), {"ORTH": {"IN": list(REGIONS)}, "OP": "?"}, *_NUMBER],
        [*_one_of(REGIONS), {"ORTH": "size", "OP": "?"}, *_NUMBER],
    ],
    "under": [[*_LEAD, *cue, *_MONEY] for cue in _phrases(UNDER)]
    + [[*_MONEY, *_one_of(("or", "and")), *_one_of(AFTER_UNDER)]]
    + [[*_MONEY, *_one_of(("max", "maximum"))]],
    "over": [[*_LEAD, *cue, *_MONEY] for cue in _phrases(OVER)]
    + [[*_MONEY, *_one_of(("or", "and")), *_one_of(AFTER_OVER)], [*_MONEY, *_word("+")]]
    + [[*_MONEY, *_one_of(("min", "minimum"))]],
    "around": [[*_LEAD, *cue, *_MONEY] for cue in _phrases(AROUND)],
    "range": [
        [*_LEAD, *_range("-", "to")],
        [*_LEAD, *_word("from"), *_range("-", "to")],
        [*_LEAD, *_word("between"), *_range("-", "to", "and")],
    ],
    "low": _phrases(LOW),
    "high": _phrases(HIGH),
    "refusing": _phrases(REFUSING),
    "doubtful": [*_phrases(DOUBTFUL), _word(MINUS)],
    "free": [[{"TAG": "word"}, *_HYPHEN, *_word("free")]],
}
"""What each kind of condition looks like. Of overlapping fits of one kind the longest counts."""


class Grammar:
    """The patterns, compiled; may be used by several threads at once."""

    def __init__(self) -> None:
        self._vocab = Vocab()
        self._matcher = Matcher(self._vocab, validate=False)
        for label, patterns in PATTERNS.items():
            self._matcher.add(label, patterns, greedy="LONGEST")

    @property
    def known_strings(self) -> StringStore:
        """Every string that spaCy keeps: symbols and tags, never a shopper's words."""
        return self._vocab.strings

    def spans(self, lexemes: Sequence[Lexeme]) -> list[Span]:
        """Every condition that the lexemes may state, in order."""
        symbols = [lexeme.symbol for lexeme in lexemes]
        doc = Doc(self._vocab, words=symbols, tags=[lexeme.tag for lexeme in lexemes])
        names = self._vocab.strings
        found = [Span(names[label], start, end) for label, start, end in self._matcher(doc)]
        return sorted(found, key=lambda span: (span.start, -span.end))
