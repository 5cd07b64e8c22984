"""Facets as aggregations name and count them: the same in tantivy and on servers."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from search.engines.local.filters import PREFIX
from search.engines.local.tally import RATINGS, Bounds

Aggregations = dict[str, Any]


def has_bounds(name: str) -> bool:
    """Whether a facet has a least and a greatest number."""
    return name in ("price", "rating") or name.startswith(PREFIX)


def rating_steps(field: str) -> Aggregations:
    """Ranges from each step to the next, which cost one look at a product, not one for each."""
    ends = [None, *RATINGS]
    ranges = [
        {"from": float(least)} | ({} if end is None else {"to": float(end)})
        for least, end in zip(RATINGS, ends, strict=False)
    ]
    return {"range": {"field": field, "ranges": ranges}}


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
