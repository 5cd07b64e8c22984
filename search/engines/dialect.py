"""How engines say the same query: the logic that makes queries knows only this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

Q = TypeVar("Q")
Value = str | int | float | bool


class Dialect(Protocol[Q]):
    """Builds queries of one kind, `Q`. A query is made of terms, never parsed, so no character of
    what a shopper typed has a meaning of its own."""

    def nothing(self) -> Q:
        """Matches no document."""
        ...

    def everything(self) -> Q:
        """Matches every document."""
        ...

    def term(self, field: str, value: Value) -> Q:
        """Documents whose field has the value, scored by BM25 where the field holds words."""
        ...

    def terms(self, field: str, values: Sequence[Value]) -> Q:
        """Documents whose field has any of the values; the score means nothing."""
        ...

    def attributes(self, terms: Sequence[str]) -> Q:
        """Documents with any of the attribute terms (`attributes.attribute_terms`), one or more,
        all of one attribute; the score means nothing."""
        ...

    def phrase(self, field: str, words: Sequence[str]) -> Q:
        """Documents whose field has the words one after another; at least two words."""
        ...

    def between(self, field: str, low: float, high: float) -> Q:
        """Documents whose number field lies between two bounds, both inclusive; bounds may be
        infinite."""
        ...

    def every(self, queries: Sequence[Q]) -> Q:
        """Documents that match all of one query or more; their scores add up."""
        ...

    def some(self, queries: Sequence[Q]) -> Q:
        """Documents that match any of one query or more; their scores add up."""
        ...

    def best(self, queries: Sequence[Q]) -> Q:
        """Documents that match any of two queries or more, scored by the best."""
        ...

    def boost(self, query: Q, weight: float) -> Q:
        """The same documents, their scores multiplied."""
        ...

    def within(self, query: Q, conditions: Sequence[Q], excluded: Sequence[Q]) -> Q:
        """Documents of `query` that match all conditions and none of what is excluded, scored by
        `query` alone."""
        ...


class Frequencies(Protocol):
    """How common words are in the index."""

    @property
    def documents(self) -> int:
        """The number of documents."""
        ...

    def frequency(self, field: str, word: str) -> int:
        """How many documents have an analyzed word in a field."""
        ...
