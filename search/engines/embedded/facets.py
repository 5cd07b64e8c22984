"""Facets: exact counts over a result set, by tantivy's aggregations.

A facet ignores the filter of its own name, so that a shopper sees the alternatives: facets without
such a filter share one pass over the results, every other one has a pass of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tantivy
from tantivy import Occur

from search.engines.embedded import attributes as terms
from search.engines.embedded.columns import SEPARATOR, Dictionary
from search.engines.embedded.filters import FILTERS, PREFIX, FilterIndex, filter_clauses
from search.types import Facet, FacetValue, Filters

VALUES = 50
"""The most values of one facet."""
ATTRIBUTES = 5
"""How many attributes are counted when none is named: the most frequent of the result set."""
_RATINGS = (4, 3, 2, 1)
_SEGMENT_VALUES = 20_000
"""Values each segment reports, so that counts stay exact when live changes made several."""

Aggregations = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FacetCounter:
    """Counts the facets of one result set: `matches` (any clauses joined) within `filters`."""

    searcher: tantivy.Searcher
    schema: tantivy.Schema
    index: FilterIndex
    matches: tantivy.Query
    filters: Filters

    def count(self, names: Sequence[str] | None) -> tuple[int, tuple[Facet, ...]]:
        """The size of the result set, and its facets in the order of `names`; None means every
        filter's and the most frequent attributes'.

        Raises:
            BadInput: the index has no such facet.
        """
        wanted = list(dict.fromkeys(FILTERS if names is None else names))
        for name in wanted:
            self.index.check_name(name, "facet")
        filtered = {each.name for each in self.filters}
        shared = [name for name in wanted if name not in filtered]
        found = self._aggregate(self.filters, shared, names is None)
        total = int(found["total"]["value"])
        if names is None:
            wanted += self._frequent(found)
            shared += [name for name in wanted if name not in FILTERS and name not in filtered]
            missing = [name for name in shared if name not in FILTERS]
            found |= self._aggregate(self.filters, missing, False) if missing else {}
        for name in wanted:
            if name in filtered:
                rest = tuple(each for each in self.filters if each.name != name)
                found |= self._aggregate(rest, [name], False)
        return total, tuple(self._facet(name, found) for name in wanted)

    def _aggregate(self, filters: Filters, names: Sequence[str], attributes: bool) -> Aggregations:
        clauses = filter_clauses(self.index, filters, self.schema)
        query = tantivy.Query.boolean_query([(Occur.Must, self.matches), *clauses])
        asked: Aggregations = {"total": {"value_count": {"field": "ord"}}}
        if attributes:
            asked["attributes"] = _terms("attribute_names", None, 2 * ATTRIBUTES)
        for name in names:
            asked |= self._aggregations(name)
        return dict(self.searcher.aggregate(query, asked))

    def _frequent(self, found: Aggregations) -> list[str]:
        counted = _counts(found["attributes"])
        best = sorted(counted, key=lambda name: (-counted[name], name))[:ATTRIBUTES]
        filtered = {each.name for each in self.filters if each.name.startswith(PREFIX)}
        return list(dict.fromkeys([*sorted(filtered), *(PREFIX + name for name in best)]))

    def _aggregations(self, name: str) -> Aggregations:
        if name in ("price", "rating"):
            return _number_aggregations(name)
        if name == "in_stock":
            return {name: {"terms": {"field": name}}}
        if name == "category":
            children = self._children()
            return {name: _terms(name, children, len(children))} if children else {}
        if name.startswith(PREFIX):
            return _attribute_aggregations(name)
        selected = list(self._selected(name))
        chosen = {f"{name}:selected": _terms(name, selected, len(selected))} if selected else {}
        return {name: _terms(name, None, VALUES)} | chosen

    def _selected(self, name: str) -> tuple[str, ...]:
        return tuple(v for each in self.filters if each.name == name for v in each.values)

    def _children(self) -> list[str]:
        selected = self._selected("category")
        dictionary = self.index.dictionaries["category"]
        found = [child for path in selected or ("",) for child in children(dictionary, path)]
        return list(dict.fromkeys([*selected, *found]))

    def _facet(self, name: str, found: Aggregations) -> Facet:
        selected = self._selected(name)
        if name in ("price", "rating"):
            bounds = found[f"{name}:bounds"]
            steps = _RATINGS if name == "rating" else ()
            counts = {str(s): _range_count(found[f"{name}:{s}"]) for s in steps}
            return _numeric(name, counts, bounds["min"], bounds["max"])
        if name.startswith(PREFIX):
            return _attribute_facet(name, found, selected)
        counts = _counts(found.get(name)) | _counts(found.get(f"{name}:selected"))
        return Facet(name, _values(counts, selected))


def children(dictionary: Dictionary, path: str) -> list[str]:
    """The categories right below a path; all top ones for the empty path."""
    prefix = path + SEPARATOR if path else ""
    run, later = dictionary.prefixed(prefix)
    values = dictionary.values()
    found: dict[str, None] = {}
    place = run.start
    while place < run.stop:
        path = values[place]
        child = prefix + path.removeprefix(prefix).split(SEPARATOR, 1)[0]
        found[child] = None
        # Everything below the child is one run of the table: skipped in one step.
        below = dictionary.prefixed(child + SEPARATOR)[0]
        place = place + 1 if path == child else below.stop
    for code in later:
        found[prefix + values[code].removeprefix(prefix).split(SEPARATOR, 1)[0]] = None
    return list(found)


def _terms(field: str, include: object, size: int) -> Aggregations:
    asked = {"field": field, "size": max(size, 1), "segment_size": max(size, _SEGMENT_VALUES)}
    return {"terms": asked if include is None else asked | {"include": include}}


def _number_aggregations(name: str) -> Aggregations:
    steps = _RATINGS if name == "rating" else ()
    ranges = {f"{name}:{least}": [{"from": float(least)}] for least in steps}
    counts = {key: {"range": {"field": name, "ranges": value}} for key, value in ranges.items()}
    return {f"{name}:bounds": {"stats": {"field": name}}, **counts}


def _attribute_aggregations(name: str) -> Aggregations:
    path = f"values.{terms.attribute_key(name.removeprefix(PREFIX))}"
    return {name: _terms(path, None, VALUES), f"{name}:bounds": {"stats": {"field": path}}}


def _attribute_facet(name: str, found: Aggregations, selected: tuple[str, ...]) -> Facet:
    bounds = found[f"{name}:bounds"]
    return Facet(name, _values(_counts(found[name]), selected), bounds["min"], bounds["max"])


def _counts(found: Aggregations | None) -> dict[str, int]:
    """Counts by value as a filter takes it; a text and a number that read alike count as one."""
    counts: dict[str, int] = {}
    for bucket in found["buckets"] if found else ():
        value = bucket.get("key_as_string", bucket["key"])
        shown = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
        counts[shown] = counts.get(shown, 0) + int(bucket["doc_count"])
    return counts


def _range_count(found: Aggregations) -> int:
    return int(found["buckets"][-1]["doc_count"])


def _values(counts: dict[str, int], selected: tuple[str, ...]) -> tuple[FacetValue, ...]:
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return tuple(FacetValue(v, counts[v], v in selected) for v in ordered if counts[v])


def _numeric(name: str, counts: dict[str, int], low: float | None, high: float | None) -> Facet:
    values = tuple(FacetValue(value, count) for value, count in counts.items() if count)
    return Facet(name, values, _shortest(low), _shortest(high))


def _shortest(value: float | None) -> float | None:
    """A float32 as people wrote it: 19.99, not 19.989999771118164."""
    return None if value is None else float(str(np.float32(value)))
