"""What a query may name, and what tells how likely that is.

One code for learning and for serving.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from query.entities.product_types import AUDIENCES
from query.entities.statistics import shifted
from query.entities.titles import PREPOSITIONS, STOPWORDS
from query.entities.values import (
    BRAND,
    CATEGORY,
    COLOR,
    MATERIAL,
    PRODUCT_TYPE,
    SIZE,
)

Span = tuple[int, int]
BELIEF = 2.0
"""Products' worth of belief in what is usual for the type."""
MOST_SHIFT = 4.0
"""Logits by which neighbors may move a share altogether."""
OTHER = "attribute"
TYPES = (BRAND, COLOR, PRODUCT_TYPE, CATEGORY, MATERIAL, SIZE, OTHER)


@dataclass(frozen=True, slots=True)
class Count:
    """A reading of a key: the value's number and type, how many products hold the key, and how
    many of them have the value."""

    number: int
    type: str
    seen: int
    right: int


class Evidence(Protocol):
    """What is known of how the catalogue uses words."""

    def readings(self, key: str) -> Sequence[Count]:
        """The values a key may mean."""
        ...

    def beside(self, key: str, number: int, word: str) -> tuple[int, int] | None:
        """Products that hold both words, and those of them that have the value; None where that
        tells nothing new."""
        ...

    def usual(self, kind: str) -> float:
        """The share that is usual for values of a type."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span of a query that may mean a value. `features` are what `FEATURES` names; `count` is
    what is known of the reading."""

    start: int
    end: int
    number: int
    type: str
    count: Count
    features: tuple[float, ...]


FEATURES = (
    *(
        "share",
        "neighbors",
        "seen",
        "words",
        "whole",
        "last",
        "last kind",
        "unknown next",
        "behind",
        "rival",
        "unknown",
    ),
    *(f"is {kind}" for kind in TYPES[1:]),
)


def candidates(
    words: Sequence[str], spans: Sequence[tuple[int, int, str]], evidence: Evidence
) -> Iterator[Candidate]:
    """The readings of every span (start, end, key) of a query's stems."""
    read = [(start, end, key, evidence.readings(key)) for start, end, key in spans]
    kinds = {start for start, _, _, counts in read for c in counts if c.type == PRODUCT_TYPE}
    starts = {start for start, _, _, counts in read if counts}
    for start, end, key, counts in read:
        shares = {count.number: _share(count, evidence) for count in counts}
        over = end == len(words) or words[end] in PREPOSITIONS
        last = over or end not in kinds
        unknown = not over and end not in starts and _is_open(words[end])
        for count in counts:
            rival = max(
                (shares[other.number] for other in counts if other.number != count.number),
                default=0.0,
            )
            neighbors = _neighbors(words, start, end, key, count, evidence)
            share = shares[count.number]
            features = _features(words, start, end, count, share, neighbors, rival, last, unknown)
            yield Candidate(start, end, count.number, count.type, count, features)


def _is_open(word: str) -> bool:
    """Whether a word may be a noun that the one before belongs to (`cd player`)."""
    return word.isalpha() and word not in AUDIENCES and word not in STOPWORDS


def _share(count: Count, evidence: Evidence) -> float:
    usual = evidence.usual(group(count.type))
    return (count.right + BELIEF * usual) / (count.seen + BELIEF)


def group(kind: str) -> str:
    """The type, one name for all attributes without a name of their own."""
    return kind if kind in TYPES else OTHER


def _neighbors(
    words: Sequence[str], start: int, end: int, key: str, count: Count, evidence: Evidence
) -> float:
    """Logits by which the query's other words move the share."""
    total = 0.0
    for i, word in enumerate(words):
        if start <= i < end:
            continue
        found = evidence.beside(key, count.number, word)
        if found is not None:
            total += shifted(count.right, count.seen, found[1], found[0])
    return max(-MOST_SHIFT, min(MOST_SHIFT, total))


def _features(
    words: Sequence[str],
    start: int,
    end: int,
    count: Count,
    share: float,
    neighbors: float,
    rival: float,
    last: bool,
    unknown: bool,
) -> tuple[float, ...]:
    bounded = min(max(share, 0.005), 0.995)
    kind = group(count.type)
    return (
        math.log(bounded / (1 - bounded)),
        neighbors,
        math.log1p(min(count.seen, 1000)),
        float(end - start - 1),
        float(start == 0 and end == len(words)),
        float(last),
        float(last and kind == PRODUCT_TYPE),
        float(unknown and kind == PRODUCT_TYPE),
        float(any(word in PREPOSITIONS for word in words[:start])),
        rival,
        float(count.seen == 0),
        *(float(kind == each) for each in TYPES[1:]),
    )
