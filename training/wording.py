"""The words and meanings of judged queries and their candidates: what associations are learned
from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rankers.features.learned import Titles
from search.types import Ordinals, TextRows, Vector, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class ProductText:
    """A product's title and the part of it that says what it is, as codes of an index, and its
    embedding, None without one. Shared by all queries that found it."""

    title: Ordinals
    kind: Ordinals
    vector: Vector | None


@dataclass(frozen=True, slots=True, eq=False)
class Wording:
    """A query's own codes, its embedding, and the texts of its candidates in their order. `words`
    says which word has a code; some codes may have none."""

    query: Ordinals
    vector: Vector | None
    products: tuple[ProductText, ...]
    words: Mapping[int, str]

    def titles(self) -> Titles:
        """The candidates' titles as rows, the first candidate's first."""
        kinds = rows_of([each.kind for each in self.products])
        return Titles(rows_of([each.title for each in self.products]), kinds)

    def vectors(self) -> Vectors | None:
        """Float32 of shape (candidates, dimensions); None where one has none, or the query."""
        vectors = [each.vector for each in self.products if each.vector is not None]
        if self.vector is None or not vectors or len(vectors) < len(self.products):
            return None
        return np.stack(vectors)


def rows_of(texts: Sequence[Ordinals]) -> TextRows:
    """Texts that are at hand as rows, with nothing said of the rest of the catalogue."""
    none, nothing, start = np.empty(0, np.int32), np.empty(0, np.uint8), np.zeros(1, np.int64)
    ends = np.cumsum([len(each) for each in texts], dtype=np.int64)
    codes = np.concatenate([none, *texts])
    starts = np.concatenate([start, ends])[:-1]
    spans = np.array([starts, ends, starts])
    return TextRows(codes, nothing, spans, none, base=0, mean_length=0.0)
