"""Hand-made facts: a few products, their texts word by word, and everything rankers ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from search.seams import Columns
from search.types import (
    Filter,
    Ordinals,
    Pool,
    Query,
    Ranking,
    Statistics,
    Text,
    TextRows,
    Vectors,
    shape_of,
)

_VERSIONS = count()


@dataclass(frozen=True)
class Item:
    """One product; words are its stems."""

    title: str = ""
    description: str = ""
    details: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    brand: str | None = None
    color: str | None = None
    category: str | None = None
    group: str | None = None
    satisfies: frozenset[Filter] = frozenset()
    """The filters that hold for it."""
    vector: Sequence[float] | None = None
    kind: str = ""
    """What the title says it is."""
    states: frozenset[str] = frozenset()
    """The attributes, as names of filters, of which it has any value."""


class HandColumns:
    """Implements `search.seams.Columns`."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items

    def numbers(self, name: str) -> NDArray[np.float32]:
        return np.array([item.numbers.get(name, np.nan) for item in self._items], np.float32)

    def codes(self, name: str) -> NDArray[np.int32]:
        known = self.values(name)
        own = [getattr(item, name) for item in self._items]
        return np.array([-1 if value is None else known.index(value) for value in own], np.int32)

    def values(self, name: str) -> Sequence[str]:
        return sorted({value for item in self._items if (value := getattr(item, name))})


class HandFacts:
    """Implements `search.seams.Facts` over items; those from `base` on came as live changes."""

    def __init__(
        self,
        items: Sequence[Item],
        base: int | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        self.items, self._base = items, len(items) if base is None else base
        self.version = f"hand-made-{next(_VERSIONS)}"
        self.columns: Columns = HandColumns(items)
        self.statistics = statistics or _statistics(self.columns)
        self._texts = {name: [getattr(item, name).split() for item in items] for name in _FIELDS}
        words = {word for rows in self._texts.values() for row in rows for word in row}
        self._codes = {word: code for code, word in enumerate(sorted(words))}

    def codes(self, words: Sequence[str]) -> Ordinals:
        return np.array([self._codes.get(word, -1) for word in words], np.int32)

    def texts(self, ordinals: Ordinals) -> Mapping[Text, TextRows]:
        return {
            name: self._rows(rows, ordinals, name in ("title", "kind"))
            for name, rows in self._texts.items()
        }

    def ids(self, start: int, stop: int) -> list[str]:
        return [f"p{ordinal}" for ordinal in range(start, min(stop, len(self.items)))]

    def vectors(self, ordinals: Ordinals) -> Vectors | None:
        found = [self.items[i].vector for i in ordinals]
        if not found or any(vector is None for vector in found):
            return None
        return np.array(found, np.float32)

    def satisfy(self, ordinals: Ordinals, filters: Sequence[Filter]) -> NDArray[np.bool_]:
        found = [[each in self.items[i].satisfies for i in ordinals] for each in filters]
        return np.array(found, np.bool_).reshape(len(filters), len(ordinals))

    def states(self, ordinals: Ordinals, names: Sequence[str]) -> NDArray[np.bool_]:
        found = [
            [getattr(self.items[i], name, None) is not None or name in self.items[i].states
             for i in ordinals] for name in names
        ]  # fmt: skip
        return np.array(found, np.bool_).reshape(len(names), len(ordinals))

    def near(self, word: str) -> Ordinals:
        found = [code for other, code in self._codes.items() if _edits(word, other) == 1]
        return np.array(found, np.int32)

    @property
    def shapes(self) -> NDArray[np.uint8] | None:
        return np.array([shape_of(word) for word in self._codes], np.uint8)

    def _rows(self, texts: list[list[str]], ordinals: Ordinals, ordered: bool) -> TextRows:
        rows = [[self._codes[word] for word in text] for text in texts]
        documents = np.zeros(len(self._codes), np.int32)
        for row in rows[: self._base]:
            documents[list(set(row))] += 1
        lengths = [len(row) for row in rows[: self._base]]
        taken = _packed([rows[ordinal] for ordinal in ordinals.tolist()], ordered)
        mean = float(np.mean(lengths)) if lengths else 0.0
        return TextRows(*taken, documents, self._base, mean)


def _edits(one: str, other: str) -> int:
    """Insertions, deletions and changes that make one word the other (Levenshtein, 1966)."""
    before = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        now = [i]
        for j, b in enumerate(other, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (a != b)))
        before = now
    return before[-1]


_FIELDS: tuple[Text, ...] = ("title", "kind", "description", "details")


def _packed(
    rows: list[list[int]], ordered: bool
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64]]:
    kept = rows if ordered else [sorted(set(row)) for row in rows]
    ends = np.cumsum([0, *(len(row) for row in kept)], dtype=np.int64)
    counts = [row.count(code) for row, codes in zip(rows, kept, strict=True) for code in codes]
    return (
        np.array([code for row in kept for code in row], np.int32),
        np.array([] if ordered else counts, np.uint8),
        np.array([ends[:-1], ends[1:], ends[:-1]]),
    )


def _statistics(columns: Columns) -> Statistics:
    prices, categories = columns.numbers("price"), columns.codes("category")
    medians = [
        float(np.median(known)) if len(known := _known(prices[categories == code])) else np.nan
        for code in range(len(columns.values("category")))
    ]
    return Statistics(
        np.array(medians, np.float32), _middle(prices), _middle(columns.numbers("rating"))
    )


def _known(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values[~np.isnan(values)]


def _middle(values: NDArray[np.float32]) -> float:
    return float(np.mean(known)) if len(known := _known(values)) else float("nan")


def pool_of(query: Query | str, size: int, **parts: object) -> Pool:
    """Every item in order, scores falling from 1; a text stands for a query with its words."""
    if isinstance(query, str):
        query = Query(query, query, tuple(query.split()), corrected=query)
    scores = np.linspace(1, 0.5, size, dtype=np.float32)
    ranking = Ranking(np.arange(size, dtype=np.int32), scores)
    make: Callable[..., Pool] = Pool
    return make(query=query, **{"ranking": ranking, "stages": {"words": ranking}, **parts})
