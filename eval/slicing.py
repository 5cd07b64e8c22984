"""Scores over parts of the queries: by kind, frequency, length and category.

A part's interval says how little a few queries tell; the differences are not adjusted for how many
parts are looked at, so they show where to look, and decide nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from eval.results import Difference, Interval, Slice, SystemReport
from eval.significance import t_interval

Labels = Mapping[str, Mapping[str, str]]
"""Dimension → query → the part it belongs to; queries without a part are in none."""
LENGTHS = ("1 word", "2 words", "3 words", "4 words", "5 words or more")
HEAD, TORSO, TAIL, UNSEEN = "head", "torso", "tail", "never searched"
_HEAD_SHARE, _TORSO_SHARE = 0.5, 0.9
MOST_CATEGORIES = 10
OTHER = "other"
_ORDER = (*LENGTHS, HEAD, TORSO, TAIL, UNSEEN)


def intervals(values: Mapping[str, NDArray[np.float64]]) -> dict[str, Interval]:
    """The mean of each metric over the queries, with its 95% interval, cut at 0 and 1."""
    if not values:
        return {}
    mean, low, high = t_interval(np.stack(list(values.values()), axis=1), bound=1.0)
    table = np.stack([mean, np.maximum(low, 0.0), high], axis=1)
    return {metric: Interval(*row) for metric, row in zip(values, table.tolist(), strict=True)}


def slice_scores(
    parts: Mapping[str, str], systems: Mapping[str, SystemReport], queries: Sequence[str]
) -> dict[str, Slice]:
    """Each part's number of queries, means and differences, in the order to show them."""
    labels = np.array([parts.get(query, "") for query in queries], dtype=object)
    sizes = Counter(label for label in labels.tolist() if label)
    return {
        part: _slice(systems, np.flatnonzero(labels == part)) for part in sorted(sizes, key=_place)
    }


def _place(part: str) -> tuple[bool, int, str]:
    return (part == OTHER, _ORDER.index(part) if part in _ORDER else -1, part)


def _slice(systems: Mapping[str, SystemReport], rows: NDArray[np.intp]) -> Slice:
    scores = {
        name: intervals({m: v[rows] for m, v in system.values.items()})
        for name, system in systems.items()
    }
    first = next(iter(next(iter(systems.values())).values))
    pairs = list(combinations(systems, 2))
    if not pairs:
        return Slice(len(rows), scores)
    gaps = [systems[a].values[first][rows] - systems[b].values[first][rows] for a, b in pairs]
    numbers = np.stack(t_interval(np.stack(gaps, axis=1), bound=1.0), axis=1).tolist()
    found = tuple(Difference(a, b, *row) for (a, b), row in zip(pairs, numbers, strict=True))
    return Slice(len(rows), scores, found)


def by_length(queries: Sequence[str]) -> dict[str, str]:
    """Queries by their number of words."""
    return {query: LENGTHS[min(max(len(query.split()), 1), len(LENGTHS)) - 1] for query in queries}


def by_frequency(queries: Sequence[str], counts: Mapping[str, float]) -> dict[str, str]:
    """Queries by how often they are searched: the most frequent ones that make up half of all
    searches in `counts`, those up to nine tenths, the rest, and those never searched. Letter case
    and spaces do not matter."""
    searches: dict[str, float] = {}
    for query, count in counts.items():
        searches[_folded(query)] = searches.get(_folded(query), 0.0) + count
    whole, before = sum(searches.values()), 0.0
    parts = {}
    for query, count in sorted(searches.items(), key=lambda each: (-each[1], each[0])):
        share = before / whole if whole else 1.0
        parts[query] = HEAD if share < _HEAD_SHARE else TORSO if share < _TORSO_SHARE else TAIL
        before += count
        if not count:
            parts[query] = UNSEEN
    return {query: parts.get(_folded(query), UNSEEN) for query in queries}


def _folded(query: str) -> str:
    return " ".join(query.casefold().split())


def by_category(
    gains: Mapping[str, Mapping[str, float]], categories: Mapping[str, str]
) -> dict[str, str]:
    """Queries by the category that most of their gain lies in; the smaller ones together as
    `other`. Queries none of whose relevant products has a known category are in no part."""
    found = {}
    for query, known in gains.items():
        weights: dict[str, float] = {}
        for product, gain in known.items():
            if gain > 0 and categories.get(product):
                name = categories[product]
                weights[name] = weights.get(name, 0.0) + gain
        if weights:
            found[query] = min(weights, key=lambda name: (-weights[name], name))
    sizes = Counter(found.values())
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_CATEGORIES]
    return {query: name if name in largest else OTHER for query, name in found.items()}
