"""Conditions: filters understood, each with `query` and `mask`, which select the same products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from search.engines.dialect import Dialect, Q
from search.engines.local.arrays import Scalar
from search.engines.local.attributes import AttributeStore
from search.engines.local.columns import SEPARATOR, ColumnsView, Dictionary
from search.engines.local.measures import MeasureStore
from search.engines.local.titles import TitleStore
from search.types import Mask, Ordinals


class Asks(Protocol):
    """Says the same query in any dialect."""

    def __call__(self, dialect: Dialect[Q], /) -> Q:
        """The query."""
        ...


Later = Callable[[Asks], Ordinals]
"""The ordinals of products of live changes that match a query. What arrays hold of a snapshot's own
products, the words index is asked about these."""
ID = "id"
_FEW_TERMS = 8
"""Up to as many postings are searched for some rows; more are marked for all."""
_FEW_CODES = 4
"""Some rows are compared with up to as many codes; of more, a table says which are wanted."""


class Condition(Protocol):
    """One filter, understood."""

    def query(self, dialect: Dialect[Q]) -> Q:
        """Matches the products that satisfy it; its score means nothing."""
        ...

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """The ordinals that satisfy it, bool of shape (ordinals,); or which of some do, bool of
        shape (len(rows),)."""
        ...


def _of(column: NDArray[Scalar], rows: Ordinals | None) -> NDArray[Scalar]:
    return column if rows is None else column.take(rows)


def _any_of(column: NDArray[np.int32], codes: NDArray[np.int32]) -> Mask:
    found = np.zeros(len(column), np.bool_)
    for code in codes.tolist():
        found |= column == code
    return found


@dataclass(frozen=True, slots=True)
class OneOf:
    """A code column is one of some strings, or with `subtree` a path within one of them."""

    name: Literal["brand", "color", "category"] | str
    values: tuple[str, ...]
    subtree: bool
    columns: ColumnsView
    dictionary: Dictionary

    def query(self, dialect: Dialect[Q]) -> Q:
        """Terms of the raw field, which holds every level of a category."""
        return dialect.terms(self.name, self.values)

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """Compares with few codes; looks every code up in a table of wanted ones when there are
        more, where unknown (-1) meets the last entry."""
        codes = self.dictionary.chosen(self.values, SEPARATOR if self.subtree else None)
        column = _of(self.columns.codes(self.name), rows)
        if rows is not None and len(codes) <= _FEW_CODES:
            return _any_of(column, codes)
        # A change may be adding values meanwhile, which no row of this view has.
        known = len(self.columns.values(self.name))
        wanted = np.zeros(known + 1, np.bool_)
        wanted[codes[codes < known]] = True
        return np.take(wanted, column, mode="wrap")


@dataclass(frozen=True, slots=True)
class NumberRange:
    """A number column lies between bounds, compared in float32 as it is stored."""

    name: str
    low: float
    high: float
    columns: ColumnsView

    def _rounded(self) -> tuple[np.float32, np.float32]:
        with np.errstate(over="ignore"):
            return np.float32(self.low + 0.0), np.float32(self.high + 0.0)

    def query(self, dialect: Dialect[Q]) -> Q:
        """A range over the fast field."""
        low, high = map(float, self._rounded())
        return dialect.between(self.name, low, high)

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """Unknown values (NaN) compare false."""
        low, high = self._rounded()
        numbers = _of(self.columns.numbers(self.name), rows)
        return (numbers >= low) & (numbers <= high)


@dataclass(frozen=True, slots=True)
class Stock:
    """In stock or not; an unknown stock counts as available. `wanted` None takes both."""

    wanted: bool | None
    columns: ColumnsView

    def query(self, dialect: Dialect[Q]) -> Q:
        """A term of the boolean field."""
        if self.wanted is None:
            return dialect.everything()
        return dialect.term("in_stock", self.wanted)

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """Out of stock is a known stock of nothing."""
        out = _of(self.columns.numbers("stock"), rows) <= 0
        if self.wanted is None:
            return np.ones_like(out)
        return ~out if self.wanted else out


def _marked(count: int, ordinals: Ordinals, rows: Ordinals | None) -> Mask:
    mask = np.zeros(count, np.bool_)
    mask[ordinals] = True
    return mask if rows is None else np.take(mask, rows)


@dataclass(frozen=True, slots=True)
class Attribute:
    """Some attribute has one of the terms, all of which occur in the index."""

    terms: tuple[str, ...]
    count: int
    attributes: AttributeStore

    def query(self, dialect: Dialect[Q]) -> Q:
        """Typed terms of the attribute's own path."""
        if not self.terms:
            return dialect.nothing()
        return dialect.attributes(self.terms)

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """The union of the terms' postings."""
        if rows is not None and len(self.terms) <= _FEW_TERMS:
            return self.attributes.having(self.terms, rows)
        mask = np.zeros(self.count, np.bool_)
        self.attributes.mark(self.terms, mask)
        return mask if rows is None else np.take(mask, rows)


@dataclass(frozen=True, slots=True)
class Ids:
    """The product is one of a list: what evaluation ranks the judged products of a query with."""

    ids: tuple[str, ...]
    count: int
    find: Callable[[Sequence[str]], Ordinals]

    def query(self, dialect: Dialect[Q]) -> Q:
        """Terms of the raw id."""
        return dialect.terms(ID, self.ids)

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """The ordinals the ids have."""
        return _marked(self.count, self.find(self.ids), rows)


@dataclass(frozen=True, slots=True)
class Measured:
    """The product measures something between two keys of one dimension, both inclusive."""

    low: int
    high: int
    count: int
    measures: MeasureStore
    later: Later

    def query(self, dialect: Dialect[Q]) -> Q:
        """A range over the keys."""
        return dialect.between("measures", self.low, self.high)

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """A run of the sorted keys; of some rows, each one's keys."""
        if rows is not None:
            return _own_or_later(rows, len(self.measures), self._measuring, self._later)
        ordinals = [self.measures.between(self.low, self.high), self.later(self.query)]
        return _marked(self.count, np.concatenate(ordinals), None)

    def _measuring(self, rows: Ordinals) -> Mask:
        return self.measures.measuring(self.low, self.high, rows)

    def _later(self) -> Ordinals:
        return self.later(self.query)


def _own_or_later(
    rows: Ordinals,
    base: int,
    own: Callable[[Ordinals], Mask],
    later: Callable[[], Ordinals],
) -> Mask:
    """Which rows satisfy something: a snapshot's own, the first `base`, by `own`, the others when
    they are among `later`."""
    first = rows < base
    if first.all():
        return own(rows)
    found = np.isin(rows, later())
    found[first] = own(rows[first])
    return found


@dataclass(frozen=True, slots=True)
class Phrases:
    """The title has one of the phrases, each a sequence of stems, adjacent and not negated."""

    phrases: tuple[tuple[str, ...], ...]
    count: int
    titles: TitleStore
    later: Later

    def query(self, dialect: Dialect[Q]) -> Q:
        """Any of the phrases."""
        return dialect.some([_phrase_query(dialect, phrase) for phrase in self.phrases])

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """Looks for the stems in the rows of titles."""
        base = len(self.titles)
        if rows is None:
            found = _marked(self.count, self.later(self.query), None)
            found[:base] = self.titles.with_phrase(self.phrases)
            return found
        return _own_or_later(rows, base, self._with_phrase, self._later)

    def _with_phrase(self, rows: Ordinals) -> Mask:
        return self.titles.with_phrase(self.phrases, rows)

    def _later(self) -> Ordinals:
        return self.later(self.query)


def _phrase_query(dialect: Dialect[Q], phrase: tuple[str, ...]) -> Q:
    if len(phrase) == 1:
        return dialect.term("phrases", phrase[0])
    return dialect.phrase("phrases", phrase)


@dataclass(frozen=True, slots=True)
class Excluded:
    """A condition does not hold; a product without the value satisfies this."""

    condition: Condition

    def query(self, dialect: Dialect[Q]) -> Q:
        """Everything else."""
        return dialect.within(dialect.everything(), [], [self.condition.query(dialect)])

    def mask(self, rows: Ordinals | None = None) -> Mask:
        """The other ordinals."""
        return ~self.condition.mask(rows)
