"""Filters, for both sides of a search: queries for words, and masks over ordinals for vectors."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from search.engines.dialect import Dialect, Q
from search.engines.local import attributes as terms
from search.engines.local.attributes import AttributeStore
from search.engines.local.columns import ColumnsView, Dictionary
from search.engines.local.conditions import (
    ID,
    Attribute,
    Condition,
    Excluded,
    Ids,
    Later,
    Measured,
    NumberRange,
    OneOf,
    Phrases,
    Stock,
)
from search.engines.local.fields import analyzer
from search.engines.local.measures import MeasureStore, measure_key
from search.engines.local.titles import TitleStore, mark_negated
from search.errors import BadInput
from search.types import Filter, Filters, Mask, Ordinals

FILTERS = ("brand", "color", "category", "price", "rating", "in_stock")
"""The filters every index has; `attributes.<name>` come from its products."""
IN_COLUMNS = frozenset(FILTERS)
"""Those that columns alone answer."""
PREFIX = "attributes."
WORDS, MEASURES = "words", "measures."
"""Filters too, but no facets: what a query is understood to ask for."""
_STEMMED = analyzer("phrases")
_PARSED = 1024


@dataclass(frozen=True, slots=True)
class FilterIndex:
    """What masks are made from: the values of one view."""

    columns: ColumnsView
    dictionaries: dict[str, Dictionary]
    attributes: AttributeStore
    titles: TitleStore
    measures: MeasureStore
    find: Callable[[Sequence[str]], Ordinals]
    """The ordinals of product ids; unknown ids have none."""
    later: Later

    def condition(self, condition: Filter) -> Condition:
        """Understands a filter.

        Raises:
            BadInput: unknown name, or values or bounds that make no sense for it.
        """
        if condition.exclude:
            return Excluded(self.condition(replace(condition, exclude=False)))
        name = condition.name
        if name == ID:
            return Ids(_values(condition), self.columns.count, self.find)
        if name == WORDS:
            phrases = _phrases(_values(condition))
            return Phrases(phrases, self.columns.count, self.titles, self.later)
        if name.startswith(MEASURES):
            return self._measured(condition)
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

    def _measured(self, condition: Filter) -> Condition:
        dimension = condition.name.removeprefix(MEASURES)
        low, high = (measure_key(dimension, bound) for bound in _bounds(condition))
        return Measured(low, high, self.columns.count, self.measures, self.later)

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


@lru_cache(_PARSED)
def _phrases(values: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The phrases' stems, words marked as titles mark them."""
    marked = (mark_negated(value.lower().split()) for value in values)
    stems = (tuple(_STEMMED.analyze(" ".join(words))) for words in marked)
    phrases = tuple(dict.fromkeys(filter(None, stems)))
    if not phrases:
        raise BadInput("filter words needs a word or more in each of its values", field=WORDS)
    return phrases


def filtered(dialect: Dialect[Q], index: FilterIndex, query: Q, filters: Filters) -> Q:
    """What of a query satisfies every filter, with the scores of the query alone.

    Raises:
        BadInput: see `FilterIndex.condition`.
    """
    conditions, excluded = [], []
    for each in filters:
        condition = index.condition(each)
        if isinstance(condition, Excluded):
            excluded.append(condition.condition.query(dialect))
        else:
            conditions.append(condition.query(dialect))
    return dialect.within(query, conditions, excluded)


def filter_mask(index: FilterIndex, filters: Filters, alive: Mask) -> Mask:
    """The living ordinals that satisfy every filter; its own array only when there are filters.

    Raises:
        BadInput: see `FilterIndex.condition`.
    """
    mask = alive
    for each in filters:
        mask = mask & index.condition(each).mask()
    return mask
