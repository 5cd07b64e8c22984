"""Filters, for both sides of a search: clauses for tantivy, and masks over ordinals for vectors.

Each kind of filter is one class with `query` and `mask`, which select the same products.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import tantivy

from search.engines.embedded import attributes as terms
from search.engines.embedded.attributes import AttributeStore
from search.engines.embedded.columns import SEPARATOR, ColumnsView, Dictionary
from search.errors import BadInput
from search.types import Filter, Filters, Mask, Ordinals

FILTERS = ("brand", "color", "category", "price", "rating", "in_stock")
"""The filters every index has; `attributes.<name>` come from its products."""
ID = "id"
"""A filter too, but no facet."""
PREFIX = "attributes."


class Condition(Protocol):
    """One filter, understood."""

    def query(self, schema: tantivy.Schema) -> tantivy.Query:
        """Matches the products that satisfy it; its score means nothing."""
        ...

    def mask(self) -> Mask:
        """The ordinals that satisfy it."""
        ...


@dataclass(frozen=True, slots=True)
class FilterIndex:
    """What masks are made from: the values of one view."""

    columns: ColumnsView
    dictionaries: dict[str, Dictionary]
    attributes: AttributeStore
    find: Callable[[Sequence[str]], Ordinals]
    """The ordinals of product ids; unknown ids have none."""

    def condition(self, condition: Filter) -> Condition:
        """Understands a filter.

        Raises:
            BadInput: unknown name, or values or bounds that make no sense for it.
        """
        name = condition.name
        if name == ID:
            return Ids(_values(condition), self.columns.count, self.find)
        self.check_name(name, "filter")
        if name.startswith(PREFIX):
            return self._attribute(condition)
        if name in ("price", "rating"):
            low, high = _bounds(condition)
            return NumberRange(name, low, high, self.columns)
        values = _values(condition)
        if name == "in_stock":
            return Stock(_flag(values, name), self.columns)
        subtree = name == "category"
        return OneOf(name, values, subtree, self.columns, self.dictionaries[name])

    def _attribute(self, condition: Filter) -> Condition:
        name = condition.name.removeprefix(PREFIX)
        if condition.values:
            wanted = [t for v in _values(condition) for t in value_terms(name, v)]
            found = self.attributes.present(dict.fromkeys(wanted))
        else:
            found = self.attributes.numbers_between(name, *_bounds(condition))
        return Attribute(tuple(found), self.columns.count, self.attributes)

    def check_name(self, name: str, kind: str) -> None:
        """Raises BadInput when the index has no filter or facet (`kind`) of this name."""
        attribute = name.removeprefix(PREFIX)
        if name in FILTERS or (attribute != name and self.attributes.has_name(attribute)):
            return
        names = [*FILTERS, *(PREFIX + each for each in self.attributes.names())]
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
        shown = near or names[:12]
        rest = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        known = f"{', '.join(shown)}{rest}"
        raise BadInput(f"unknown {kind} {name!r}; known are {known}", field=name)


def value_terms(name: str, value: str) -> list[str]:
    """The terms of an attribute that a value, as typed, may mean."""
    found = [terms.text_term(name, value)]
    if value in ("true", "false"):
        found.append(terms.flag_term(name, value == "true"))
    try:
        number = float(value)
    except ValueError:
        return found
    if math.isfinite(number):
        found.append(terms.number_term(name, number))
    return found


def _bounds(condition: Filter) -> tuple[float, float]:
    name, low, high = condition.name, condition.low, condition.high
    if condition.values or (low is None and high is None):
        raise BadInput(f"filter {name} needs a low or a high bound, and no values", field=name)
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise BadInput(f"filter {name} has a bound that is not a number", field=name)
    if low > high:
        raise BadInput(f"filter {name} has bounds the wrong way round: {low} > {high}", field=name)
    return low, high


def _values(condition: Filter) -> tuple[str, ...]:
    if not condition.values or condition.low is not None or condition.high is not None:
        name = condition.name
        raise BadInput(f"filter {name} needs one value or more, and no bounds", field=name)
    return condition.values


def _flag(values: Sequence[str], name: str) -> bool | None:
    if not set(values) <= {"true", "false"}:
        raise BadInput(f"filter {name} takes true or false, not {', '.join(values)}", field=name)
    return None if len(set(values)) == 2 else values[0] == "true"


@dataclass(frozen=True, slots=True)
class OneOf:
    """A code column is one of some strings, or with `subtree` a path within one of them."""

    name: Literal["brand", "color", "category"] | str
    values: tuple[str, ...]
    subtree: bool
    columns: ColumnsView
    dictionary: Dictionary

    def query(self, schema: tantivy.Schema) -> tantivy.Query:
        """Terms of the raw field, which holds every level of a category."""
        return tantivy.Query.term_set_query(schema, self.name, list(self.values))

    def mask(self) -> Mask:
        """Looks every code up in a table of wanted ones; unknown (-1) meets its last entry."""
        # A change may be adding values meanwhile, which no row of this view has.
        known = len(self.columns.values(self.name))
        wanted = np.zeros(known + 1, np.bool_)
        for value in self.values:
            code = self.dictionary.code(value)
            if code is not None and code < known:
                wanted[code] = True
            if self.subtree:
                run, later = self.dictionary.prefixed(value + SEPARATOR)
                wanted[run.start : run.stop] = True
                wanted[[code for code in later if code < known]] = True
        wanted[-1] = False
        return np.take(wanted, self.columns.codes(self.name), mode="wrap")


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

    def query(self, schema: tantivy.Schema) -> tantivy.Query:
        """A range over the fast field."""
        low, high = map(float, self._rounded())
        return tantivy.Query.range_query(schema, self.name, tantivy.FieldType.Float, low, high)

    def mask(self) -> Mask:
        """Unknown values (NaN) compare false."""
        low, high = self._rounded()
        numbers = self.columns.numbers(self.name)
        return (numbers >= low) & (numbers <= high)


@dataclass(frozen=True, slots=True)
class Stock:
    """In stock or not; an unknown stock counts as available. `wanted` None takes both."""

    wanted: bool | None
    columns: ColumnsView

    def query(self, schema: tantivy.Schema) -> tantivy.Query:
        """A term of the boolean field."""
        if self.wanted is None:
            return tantivy.Query.all_query()
        return tantivy.Query.term_query(schema, "in_stock", self.wanted, "basic")

    def mask(self) -> Mask:
        """Out of stock is a known stock of nothing."""
        out = self.columns.numbers("stock") <= 0
        if self.wanted is None:
            return np.ones_like(out)
        return ~out if self.wanted else out


@dataclass(frozen=True, slots=True)
class Attribute:
    """Some attribute has one of the terms, all of which occur in the index."""

    terms: tuple[str, ...]
    count: int
    attributes: AttributeStore

    def query(self, schema: tantivy.Schema) -> tantivy.Query:
        """Typed terms of the attribute's own path."""
        if not self.terms:
            return tantivy.Query.empty_query()
        path = f"values.{terms.attribute_key(terms.term_name(self.terms[0]))}"
        values = [terms.term_value(term) for term in self.terms]
        return tantivy.Query.term_set_query(schema, path, values)

    def mask(self) -> Mask:
        """The union of the terms' postings."""
        mask = np.zeros(self.count, np.bool_)
        self.attributes.mark(self.terms, mask)
        return mask


@dataclass(frozen=True, slots=True)
class Ids:
    """The product is one of a list: what evaluation ranks the judged products of a query with."""

    ids: tuple[str, ...]
    count: int
    find: Callable[[Sequence[str]], Ordinals]

    def query(self, schema: tantivy.Schema) -> tantivy.Query:
        """Terms of the raw id."""
        return tantivy.Query.term_set_query(schema, ID, list(self.ids))

    def mask(self) -> Mask:
        """The ordinals the ids have."""
        mask = np.zeros(self.count, np.bool_)
        mask[self.find(self.ids)] = True
        return mask


def filter_clauses(
    index: FilterIndex, filters: Filters, schema: tantivy.Schema
) -> list[tuple[tantivy.Occur, tantivy.Query]]:
    """One required clause per filter, adding nothing to the score.

    Raises:
        BadInput: see `FilterIndex.condition`.
    """
    queries = [index.condition(each).query(schema) for each in filters]
    return [(tantivy.Occur.Must, tantivy.Query.const_score_query(q, 0.0)) for q in queries]


def filter_mask(index: FilterIndex, filters: Filters, alive: Mask) -> Mask:
    """The living ordinals that satisfy every filter; its own array only when there are filters.

    Raises:
        BadInput: see `FilterIndex.condition`.
    """
    mask = alive
    for each in filters:
        mask = mask & index.condition(each).mask()
    return mask
