"""Facets by the server's aggregations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from search.engines.local.attributes import NUMBER, term_number, term_value
from search.engines.local.buckets import (
    has_bounds,
    rating_steps,
    ratings_reached,
    stated_bounds,
    value_counts,
)
from search.engines.local.filters import PREFIX
from search.engines.local.tally import ATTRIBUTE_NAMES, VALUES, Asked, Bounds, Tally

_SHARD_VALUES = 5_000
"""Values each shard reports, so that the counts of the most frequent are exact."""
_RESERVED = re.compile(r'[.?+*|{}\[\]()"\\#@&<>~^$-]')

Aggregations = dict[str, Any]


def aggregations(asked: Asked) -> Aggregations:
    """What is to be counted, in one request."""
    found: Aggregations = {"total": {"value_count": {"field": "ord"}}}
    for name, named in asked.items():
        found |= _aggregation(name, named)
    return found


def tally(asked: Asked, found: Aggregations) -> Tally:
    """The counts of the server's answer."""
    bounds = {name: _bounds(name, found) for name in asked if has_bounds(name)}
    values = {name: _values(name, found) for name in asked}
    return Tally(int(found["total"]["value"]), values, bounds)


def _aggregation(name: str, named: Sequence[str]) -> Aggregations:
    if name == "price":
        return {"price:bounds": {"stats": {"field": name}}}
    if name == "rating":
        return {"rating:bounds": {"stats": {"field": name}}, name: rating_steps(name)}
    if name == "in_stock":
        return {name: {"terms": {"field": name}}}
    if name == ATTRIBUTE_NAMES:
        return {name: _terms(name, VALUES)}
    if name.startswith(PREFIX):
        return _attribute(name)
    chosen = {f"{name}:named": _terms(name, len(named), list(named))} if named else {}
    return chosen if name == "category" else {name: _terms(name, VALUES), **chosen}


def _attribute(name: str) -> Aggregations:
    """Its most frequent values, and of its numbers, whose terms sort as they do, the ends."""
    own = name.removeprefix(PREFIX)
    numbers = _RESERVED.sub(r"\\\g<0>", own + NUMBER) + ".*"
    first = _terms("attributes", 1, numbers)
    ends = {
        f"{name}:{end}": {"terms": {**first["terms"], "order": {"_key": order}}}
        for end, order in (("low", "asc"), ("high", "desc"))
    }
    prefix = _RESERVED.sub(r"\\\g<0>", own + NUMBER[0]) + ".*"
    return {name: _terms("attributes", VALUES, prefix), **ends}


def _terms(field: str, size: int, include: object = None) -> Aggregations:
    asked = {"field": field, "size": max(size, 1), "shard_size": max(size, _SHARD_VALUES)}
    return {"terms": asked if include is None else asked | {"include": include}}


def _values(name: str, found: Aggregations) -> dict[str, int]:
    if name == "rating":
        return ratings_reached(found[name])
    if name.startswith(PREFIX):
        return value_counts({"buckets": [_shown(each) for each in found[name]["buckets"]]})
    return value_counts(found.get(name)) | value_counts(found.get(f"{name}:named"))


def _shown(bucket: Aggregations) -> Aggregations:
    """A bucket with the value that the term stands for; a yes or no reads as filters take it."""
    value = term_value(bucket["key"])
    return bucket | {"key": ("true" if value else "false") if isinstance(value, bool) else value}


def _bounds(name: str, found: Aggregations) -> Bounds:
    if not name.startswith(PREFIX):
        return stated_bounds(found[f"{name}:bounds"])
    low, high = (found[f"{name}:{end}"]["buckets"] for end in ("low", "high"))
    return (term_number(low[0]["key"]), term_number(high[0]["key"])) if low else (None, None)
