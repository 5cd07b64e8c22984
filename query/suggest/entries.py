"""What can be suggested: a text with its weight, and when two of them are the same to a shopper."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from query.text import words

Kind = Literal["query", "brand", "category", "product"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MOST_ENTRIES = 500_000
MOST_WORDS = 8
"""Longer texts are no suggestions: nobody reads them to the end."""
_MOST_CHARACTERS = 80

_Key = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One suggestion. `weight` orders entries: the logarithm of how much it is asked for, or would
    be. At least `products` products have all its words. `scope` is the category it is limited to,
    () for none; `home` the category most of its products are in."""

    text: str
    kind: Kind
    weight: float
    products: int = 1
    scope: tuple[str, ...] = ()
    home: tuple[str, ...] = ()


def index_words(text: str) -> list[str]:
    """The words an entry is found by: normalized, without apostrophes (`men's` is `mens`)."""
    return [word.replace("'", "") for word in words(text)]


def singular(word: str) -> str:
    """A form that singular and plural share; not always a word."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    return word[:-1]


def distinct(entries: Iterable[Entry], most: int = MOST_ENTRIES) -> list[Entry]:
    """The entries by weight, heaviest first, at most `most`; of those that differ only in number
    (plural), order of words or repetition, the heaviest. A brand is written as the catalogue does.
    """
    best: dict[_Key, Entry] = {}
    for entry in sorted(entries, key=lambda e: (-e.weight, e.text)):
        found = index_words(entry.text)
        if not 0 < len(found) <= MOST_WORDS or len(entry.text) > _MOST_CHARACTERS:
            continue
        key = (_same(found), entry.scope)
        kept = best.get(key)
        best[key] = entry if kept is None else _merged(kept, entry)
        if len(best) > most:
            del best[key]
    return list(best.values())


def _same(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({singular(word) for word in found}))


def _merged(kept: Entry, other: Entry) -> Entry:
    products = max(kept.products, other.products)
    named = kept.kind == "query" and other.kind == "brand"
    shown = other if named else kept
    return replace(
        kept, text=shown.text, kind=shown.kind, products=products, home=kept.home or other.home
    )
