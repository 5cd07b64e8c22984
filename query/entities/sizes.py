"""Sizes are patterns rather than values: `size 10`, `xl`, `10.5 wide`, `twin xl`. Which of them the
catalogue uses is learned from its titles; spaCy's EntityRuler finds them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from query.entities.titles import Title

LETTERS = ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl", "5xl", "6xl")
WORDS = ("small", "medium", "large", "twin", "full", "queen", "king")
PAIRS = ("twin xl", "california king", "cal king", "x large", "x small", "extra large")
NUMBER = r"^\d{1,2}(?:\.5)?$"
WIDTHS = ("wide", "narrow", "us", "uk", "eu")
LEAST_SEEN = 5
LEAST_SHARE = 0.5
EXPLICIT = 0.95
"""How sure `size 10` is."""

_NUMBER = re.compile(NUMBER)


def learn_sizes(titles: Sequence[Title]) -> dict[str, float]:
    """Size names that titles use → the share of their uses in which they stand for themselves,
    between commas or beside `size`, as sizes do (`full` in `full grain leather` does not)."""
    seen: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    singles = frozenset((*LETTERS, *WORDS))
    pairs = frozenset(PAIRS)
    for title in titles:
        for i, word in enumerate(title.words):
            pair = f"{word} {title.words[i + 1]}" if i + 1 < len(title.words) else ""
            for name, end in ((word, i + 1), (pair, i + 2)):
                if name in (singles if end == i + 1 else pairs):
                    seen[name] += 1
                    alone[name] += _stands_alone(title, i, end)
    return {
        name: round(alone[name] / count, 3)
        for name, count in seen.items()
        if count >= LEAST_SEEN and alone[name] >= LEAST_SHARE * count
    }


def _stands_alone(title: Title, start: int, end: int) -> bool:
    before = title.words[start - 1] if start else ""
    after = title.words[end] if end < len(title.words) else ""
    if "size" in (before, after):
        return True
    return (not start or title.ends[start - 1]) and title.ends[end - 1]


def patterns(sizes: Mapping[str, float]) -> list[dict[str, Any]]:
    """The EntityRuler patterns of a catalogue with these size names."""
    named = [{"ORTH": "size"}]
    number = {"TEXT": {"REGEX": NUMBER}}
    letter = {"ORTH": {"IN": sorted({*LETTERS, *(s for s in sizes if " " not in s)})}}
    rules: list[tuple[str, list[dict[str, Any]]]] = [
        ("explicit", [*named, number]),
        ("explicit", [*named, number, {"ORTH": {"IN": list(WIDTHS)}}]),
        ("explicit", [*named, letter]),
        ("explicit", [number, {"ORTH": {"IN": ["wide", "narrow"]}}]),
        *((name, [{"ORTH": word} for word in name.split()]) for name in sizes),
        *((name, [*({"ORTH": word} for word in name.split()), *named]) for name in sizes),
    ]
    return [{"label": "size", "pattern": rule, "id": name} for name, rule in rules]


def vocabulary(sizes: Iterable[str]) -> frozenset[str]:
    """The words that the patterns look for."""
    return frozenset(
        ("size", *WIDTHS, *LETTERS, *(word for size in sizes for word in size.split()))
    )


def is_number(word: str) -> bool:
    """Whether a word may be a size in numbers."""
    return bool(_NUMBER.match(word))
