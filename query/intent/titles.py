"""What a title says: the kind of thing, which ends its first part, and what stands before it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from query.intent.keys import key, text_keys
from query.stem import stems
from query.text import normalize, words
from search.types import Product

_BOUNDARY = re.compile(r"[,;:(|\[]|\s[-–—/]+\s|\s(?:for|with|by|in|of|and|from|w/)\s|\s[#\d]")
_LEADING = re.compile(
    r"(?:\d[\d.,/x\"']*[ -]?(?:[a-z]{1,2}|inch|feet|foot|port|pack|pcs|watt|piece|outlet)?\b"
    r"[ ,-]*)+"
)
_HEADS = 8
"""A type is the head of at least one in so many of the titles that hold it."""
LONGEST_TYPE = 3


@dataclass(frozen=True, slots=True)
class Head:
    """The first part of a title without the brand: `words` as they stand and their `stems`."""

    words: tuple[str, ...]
    stems: tuple[str, ...]


def head(product: Product) -> Head:
    """The words of a title up to its first comma, number, bracket or preposition.

    `Brumhalt Juno 1.5 l Electric Kettle, red` gives `juno`: a poor head, but no other title ends
    there, so `types` leaves it out.
    """
    title = normalize(product.title)
    brand = words(product.brand or "")
    text = title.removeprefix(normalize(product.brand or "")).lstrip(" ,:-")
    if brand and text == title and words(title)[: len(brand)] == brand:
        text = title[len(" ".join(brand)) :]
    return _head(text)


def _head(text: str) -> Head:
    """The head of a normalized text."""
    measure = _LEADING.match(text)
    text = text[measure.end() :] if measure else text
    cut = _BOUNDARY.search(text)
    found = words(text[: cut.start()] if cut and cut.start() else text)[:12]
    return Head(tuple(found), tuple(stems(found)))


def evidence_keys(normalized: str) -> list[int]:
    """The keys of a query: its words, its pairs of words, and the word its first part ends in,
    marked as that (`kettle` in `red kettle with lid`)."""
    return text_keys(stems(words(normalized))) + head_keys(_head(normalized))


def head_keys(found: Head) -> list[int]:
    """The key of the thing a head names, as against the mere word; [] without words."""
    return [key(["=", found.stems[-1]])] if found.stems else []


@dataclass(frozen=True, slots=True)
class Types:
    """The kinds of thing a catalogue holds: stems of each name, and how it is mostly written."""

    written: dict[tuple[str, ...], str]
    heads: Counter[str]
    """How often a stem ends the first part of a title."""

    def of(self, found: Head) -> tuple[str, ...]:
        """The longest type the head ends in, as stems; () without one."""
        for size in range(LONGEST_TYPE, 0, -1):
            if len(found.stems) >= size and found.stems[-size:] in self.written:
                return found.stems[-size:]
        return ()


def learn_types(
    heads: Sequence[Head],
    excluded: frozenset[str],
    adjectives: frozenset[str],
    documents: Counter[str],
) -> Types:
    """Types are endings of first parts that recur: of one word, in at least 3 titles and an
    eighth of those that hold the word; longer ones in at least 3. `excluded` are stems of colors
    and other values, which end titles without being things; no type begins with one of
    `adjectives`."""
    endings: Counter[tuple[str, ...]] = Counter()
    forms: dict[tuple[str, ...], Counter[str]] = {}
    for one in heads:
        for size in range(1, min(LONGEST_TYPE, len(one.stems)) + 1):
            ending = one.stems[-size:]
            endings[ending] += 1
            forms.setdefault(ending, Counter())[" ".join(one.words[-size:])] += 1
    last = Counter({ending[0]: n for ending, n in endings.items() if len(ending) == 1})
    known = {
        stem
        for stem, n in last.items()
        if n >= 3 and n * _HEADS >= documents[stem] and _is_word(stem) and stem not in excluded
    }
    written = {
        ending: forms[ending].most_common(1)[0][0]
        for ending, n in endings.items()
        if ending[-1] in known
        and n >= 3
        and all(map(_is_word, ending))
        and adjectives.isdisjoint(ending[:-1])
    }
    return Types(written, last)


def documents_of(texts: Iterable[Sequence[str]]) -> Counter[str]:
    """In how many of the texts each word occurs."""
    return Counter(word for text in texts for word in set(text))


def _is_word(stem: str) -> bool:
    return len(stem) > 1 and not any(c.isdigit() for c in stem)
