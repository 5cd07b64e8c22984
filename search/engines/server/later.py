"""Conditions on the products of live changes, looked at one by one: there are few of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from search.engines.dialect import Value
from search.engines.local.changes import Batch
from search.engines.local.conditions import Asks
from search.engines.local.fields import analyzer
from search.engines.local.texts import unpack_texts
from search.engines.local.titles import mark_negated
from search.types import Ordinals

_STEMMED = analyzer("phrases")


@dataclass(frozen=True, slots=True)
class Title:
    """The stems of a title, negated ones marked, and the keys of what the product measures."""

    stems: tuple[str, ...]
    measures: tuple[int, ...]


Matches = Callable[[Title], bool]


def titles_of(batch: Batch) -> list[Title]:
    """Those of a batch's products."""
    measures = batch.measures or ((),) * len(batch.products)
    found = []
    for packed, keys in zip(batch.texts, measures, strict=True):
        words = mark_negated(unpack_texts(packed)["title"].split())
        found.append(Title(tuple(_STEMMED.analyze(" ".join(words))), keys))
    return found


class TitleDialect:
    """Implements `search.engines.dialect.Dialect` for what titles are asked for: phrases and
    measures."""

    def nothing(self) -> Matches:
        """See `Dialect.nothing`."""
        return lambda title: False

    def everything(self) -> Matches:
        """See `Dialect.everything`."""
        return lambda title: True

    def term(self, field: str, value: Value) -> Matches:
        """See `Dialect.term`."""
        if field == "measures":
            return lambda title: value in title.measures
        _check(field)
        return lambda title: value in title.stems

    def terms(self, field: str, values: Sequence[Value]) -> Matches:
        """See `Dialect.terms`."""
        return self.some([self.term(field, value) for value in values])

    def attributes(self, terms: Sequence[str]) -> Matches:
        """Postings know them."""
        raise NotImplementedError("titles have no attributes")

    def phrase(self, field: str, words: Sequence[str]) -> Matches:
        """See `Dialect.phrase`."""
        _check(field)
        wanted, length = tuple(words), len(words)
        return lambda title: any(
            title.stems[place : place + length] == wanted
            for place in range(len(title.stems) - length + 1)
        )

    def between(self, field: str, low: float, high: float) -> Matches:
        """See `Dialect.between`."""
        return lambda title: any(low <= key <= high for key in title.measures)

    def every(self, queries: Sequence[Matches]) -> Matches:
        """See `Dialect.every`."""
        return lambda title: all(query(title) for query in queries)

    def some(self, queries: Sequence[Matches]) -> Matches:
        """See `Dialect.some`."""
        return lambda title: any(query(title) for query in queries)

    def best(self, queries: Sequence[Matches]) -> Matches:
        """See `Dialect.best`."""
        return self.some(queries)

    def boost(self, query: Matches, weight: float) -> Matches:
        """See `Dialect.boost`."""
        return query

    def within(
        self, query: Matches, conditions: Sequence[Matches], excluded: Sequence[Matches]
    ) -> Matches:
        """See `Dialect.within`."""
        return lambda title: (
            query(title)
            and all(each(title) for each in conditions)
            and not any(each(title) for each in excluded)
        )


def _check(field: str) -> None:
    if field != "phrases":
        raise NotImplementedError(f"titles are not asked for {field}")


def matching(titles: Sequence[Title], first: int, query: Asks) -> Ordinals:
    """The ordinals, from `first` upward, of the titles that match."""
    matches: Matches = query(TitleDialect())
    found = [ordinal for ordinal, title in enumerate(titles, first) if matches(title)]
    return np.array(found, np.int32)
