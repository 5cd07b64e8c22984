"""Counting by tantivy's aggregations: the products that match a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import tantivy

from search.engines.embedded import attributes as terms
from search.engines.embedded.dialect import TantivyDialect
from search.engines.embedded.filters import PREFIX, FilterIndex, filtered
from search.engines.embedded.tally import (
    ATTRIBUTE_NAMES,
    RATINGS,
    VALUES,
    Asked,
    Bounds,
    Tally,
)
from search.types import Filters

_SEGMENT_VALUES = 20_000
"""Values each segment reports, so that counts stay exact when live changes made several."""

Aggregations = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MatchCounting:
    """Counts the products that match a query; implements `tally.Counting`."""

    searcher: tantivy.Searcher
    dialect: TantivyDialect
    index: FilterIndex
    matches: tantivy.Query

    def count(self, filters: Filters, asked: Asked) -> Tally:
        """All facets in one pass over the matches."""
        query = filtered(self.dialect, self.index, self.matches, filters)
        aggregations: Aggregations = {"total": {"value_count": {"field": "ord"}}}
        for name, named in asked.items():
            aggregations |= _aggregations(name, named)
        found = dict(self.searcher.aggregate(query, aggregations))
        bounds = {
            name: stated_bounds(found[f"{name}:bounds"]) for name in asked if has_bounds(name)
        }
        values = {name: _values(name, found) for name in asked}
        return Tally(int(found["total"]["value"]), values, bounds)


def has_bounds(name: str) -> bool:
    """Whether a facet has a least and a greatest number."""
    return name in ("price", "rating") or name.startswith(PREFIX)


def _aggregations(name: str, named: Sequence[str]) -> Aggregations:
    if name == "price":
        return {"price:bounds": {"stats": {"field": name}}}
    if name == "rating":
        return {"rating:bounds": {"stats": {"field": name}}, name: rating_steps(name)}
    if name == "in_stock":
        return {name: {"terms": {"field": name}}}
    if name == ATTRIBUTE_NAMES:
        return {name: _terms(name, None, VALUES)}
    if name.startswith(PREFIX):
        path = f"values.{terms.attribute_key(name.removeprefix(PREFIX))}"
        return {name: _terms(path, None, VALUES), f"{name}:bounds": {"stats": {"field": path}}}
    chosen = {f"{name}:named": _terms(name, list(named), len(named))} if named else {}
    return chosen if name == "category" else {name: _terms(name, None, VALUES), **chosen}


def _terms(field: str, include: object, size: int) -> Aggregations:
    asked = {"field": field, "size": max(size, 1), "segment_size": max(size, _SEGMENT_VALUES)}
    return {"terms": asked if include is None else asked | {"include": include}}


def rating_steps(field: str) -> Aggregations:
    """Ranges from each step to the next, which cost one look at a product, not one for each."""
    ends = [None, *RATINGS]
    ranges = [
        {"from": float(least)} | ({} if end is None else {"to": float(end)})
        for least, end in zip(RATINGS, ends, strict=False)
    ]
    return {"range": {"field": field, "ranges": ranges}}


def _values(name: str, found: Aggregations) -> dict[str, int]:
    if name == "rating":
        return ratings_reached(found[name])
    return value_counts(found.get(name)) | value_counts(found.get(f"{name}:named"))


def ratings_reached(found: Aggregations) -> dict[str, int]:
    """Products by each step that their ratings reach, of what `rating_steps` counted."""
    by_step = {bucket.get("from"): int(bucket["doc_count"]) for bucket in found["buckets"]}
    summed = accumulate(by_step[float(least)] for least in RATINGS)
    return dict(zip(map(str, RATINGS), summed, strict=True))


def value_counts(found: Aggregations | None) -> dict[str, int]:
    """Counts by value as a filter takes it; a text and a number that read alike count as one."""
    counts: dict[str, int] = {}
    for bucket in found["buckets"] if found else ():
        value = bucket.get("key_as_string", bucket["key"])
        shown = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
        counts[shown] = counts.get(shown, 0) + int(bucket["doc_count"])
    return counts


def stated_bounds(found: Aggregations) -> Bounds:
    """The ends of a `stats` aggregation."""
    return found["min"], found["max"]
