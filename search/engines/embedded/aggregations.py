"""Counting by tantivy's aggregations: the products that match a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tantivy

from search.engines.embedded.dialect import TantivyDialect
from search.engines.local import attributes as terms
from search.engines.local.buckets import (
    Aggregations,
    has_bounds,
    rating_steps,
    ratings_reached,
    stated_bounds,
    value_counts,
)
from search.engines.local.filters import PREFIX, FilterIndex, filtered
from search.engines.local.tally import (
    ATTRIBUTE_NAMES,
    VALUES,
    Asked,
    Tally,
)
from search.types import Filters

_SEGMENT_VALUES = 20_000
"""Values each segment reports, so that counts stay exact when live changes made several."""


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


def _values(name: str, found: Aggregations) -> dict[str, int]:
    if name == "rating":
        return ratings_reached(found[name])
    return value_counts(found.get(name)) | value_counts(found.get(f"{name}:named"))
