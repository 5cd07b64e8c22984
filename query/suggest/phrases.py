"""The phrases that a catalogue's titles are made of: `electric kettle`, `case for phone`.

Sequences of one to four words that several titles share, valued by the C-value method (Frantzi,
Ananiadou & Mima, International Journal on Digital Libraries 3(2), 2000): how often a sequence
stands by itself rather than inside a longer one. What a title calls its product stands at an end:
of the title, before a comma or before a preposition ("Steel Kettle with Lid").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from query.text import normalize

LONGEST = 4
LEAST_TITLES = 2
"""Titles that share a phrase."""
_TYPE_TITLES = 3
_TYPE_SHARE = 0.3
"""Share of a phrase's titles in which it stands at an end, from which on it names products."""
_TYPE_WORDS = 3

_BREAK = re.compile(r"[|,;:()\[\]{}/–—•+\"]|\s-+\s|\.\s")
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_INNER = """a an and as at by de for from in into is of on or per the to with without & und für mit
le la your our you my it its this that are be can no not all any more"""
_UNITS = """mm cm m km in inch inches ft feet yd g kg oz lb lbs ml l liter liters litre gal gallon
qt mb gb tb mah w watt watts kw v volt volts hz khz mhz ghz nm dpi rpm pc pcs piece pieces pack pk
ct count mbit gbit btu fl sq x"""
INNER = frozenset(_INNER.split())
"""Words that neither begin nor end a phrase; before them another ends."""
UNITS = frozenset(_UNITS.split())
"""Neither do units: without their number they say nothing."""

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of a catalogue by their C-value, and those among them that name products."""

    values: Mapping[Phrase, float]
    types: frozenset[Phrase]


def segments(title: str, brand: str | None = None) -> list[list[str]]:
    """The words of a title, normalized, between its punctuation. The brand is as one word and
    begins a segment: no phrase holds half of it, or ends with it."""
    parts = (_WORD.findall(part) for part in _BREAK.split(normalize(title)))
    named = _WORD.findall(normalize(brand or ""))
    return [words for part in parts for words in _at_brand(part, named) if words]


def _at_brand(words: list[str], named: list[str]) -> Iterator[list[str]]:
    size = len(named)
    places = [i for i in range(len(words) - size + 1) if named and words[i : i + size] == named]
    start = 0
    rest: list[str] = []
    for place in places:
        if place >= start:
            yield [*rest, *words[start:place]]
            rest, start = [" ".join(named)], place + size
    yield [*rest, *words[start:]]


def phrases_in(parts: Iterable[Sequence[str]]) -> Iterator[tuple[Phrase, bool]]:
    """Every phrase of a title's segments, and whether it stands at an end."""
    for words in parts:
        for end in range(1, len(words) + 1):
            if not _bounds(words[end - 1]):
                continue
            at_end = end == len(words) or words[end] in INNER or _is_number(words[end])
            for start in range(max(0, end - LONGEST), end):
                if _bounds(words[start]):
                    yield tuple(words[start:end]), at_end


def learn_phrases(
    titles: Iterable[Sequence[Sequence[str]]], colors: frozenset[str], brands: frozenset[str]
) -> Phrases:
    """Counts the phrases of titles (as `segments` gives them). One that ends with a color
    (`kettle black`) is an accident of how titles are written; a brand alone is no phrase, and one
    that begins with a brand names no type of product."""
    counts: Counter[Phrase] = Counter()
    ends: Counter[Phrase] = Counter()
    for parts in titles:
        found: dict[Phrase, bool] = {}
        for phrase, at_end in phrases_in(parts):
            found[phrase] = found.get(phrase, False) or at_end
        counts.update(found.keys())
        ends.update(phrase for phrase, at_end in found.items() if at_end)
    frequent = {
        phrase: count
        for phrase, count in counts.items()
        if count >= LEAST_TITLES
        and phrase[-1] not in brands
        and not (len(phrase) > 1 and phrase[-1] in colors)
    }
    values = dict(_c_values(frequent, brands))
    types = frozenset(
        phrase
        for phrase in values
        if frequent[phrase] >= _TYPE_TITLES
        and len(phrase) <= _TYPE_WORDS
        and ends[phrase] >= _TYPE_SHARE * frequent[phrase]
        and phrase[-1] not in colors
        and phrase[0] not in brands
        and not any(char.isdecimal() for char in phrase[-1])
    )
    return Phrases(values, types)


def _c_values(
    counts: Mapping[Phrase, int], brands: frozenset[str]
) -> Iterator[tuple[Phrase, float]]:
    """How many titles have each phrase by itself; those that never stand by themselves are left
    out. A brand before it takes nothing from a phrase. The method's factor for length is left out:
    shoppers type short phrases."""
    inside: Counter[Phrase] = Counter()
    longer: Counter[Phrase] = Counter()
    for phrase, count in counts.items():
        parts = {phrase[:-1]} if phrase[0] in brands else {phrase[1:], phrase[:-1]}
        for part in parts:
            inside[part] += count
            longer[part] += 1
    for phrase, count in counts.items():
        value = count - inside[phrase] / longer[phrase] if longer[phrase] else count
        if value >= 1 or len(phrase) == 1:
            yield phrase, max(1.0, value)


def _bounds(word: str) -> bool:
    return word not in INNER and word not in UNITS and not _is_number(word) and len(word) > 1


def _is_number(word: str) -> bool:
    return word[0].isdecimal() and not any(char.isalpha() for char in word)
