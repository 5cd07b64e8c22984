"""Parts of the traffic that a candidate must not harm: by what queries are, how often they are
asked, what they are after, and where shoppers search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from api.logged_pages import Pages
from search.build import Search
from search.types import SearchRequest

_LENGTHS = ("one word", "two words", "three words", "four words and more")
_BANDS = ("often", "sometimes", "rarely")
_TOP = 10
"""Hits whose categories tell what a query is after."""
_DEEPEST = 3
_WHOLE = 0.9
"""What has more than this share of the traffic is no part of it."""
_MOST = 8
"""Categories that are looked at on their own, the most frequent ones."""

Parts = Mapping[str, frozenset[str]]
"""Queries by segment."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What the search said of each query: its kind, and the categories of its best hits."""

    kinds: dict[str, str] = field(default_factory=dict)
    paths: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


async def note_queries(search: Search, system: str, queries: Sequence[str]) -> Noted:
    """What a system says of some queries."""
    noted = Noted()
    for query in queries:
        found = await search.search(SearchRequest(query, size=_TOP, system=system))
        if found.query.intent:
            noted.kinds[query] = found.query.intent
        noted.paths[query] = tuple(hit.product.category for hit in found.hits)
    return noted


def query_parts(queries: Sequence[str], noted: Noted, kinds: Mapping[str, str]) -> Parts:
    """Queries by length, by kind (the judgments' own `kinds`, else as the search understood them)
    and by the category of most of their best hits."""
    found: dict[str, set[str]] = {}
    categories = _categories(queries, noted.paths)
    for query in queries:
        words = min(max(len(query.split()), 1), len(_LENGTHS))
        kind = kinds.get(query) or noted.kinds.get(query)
        names = [f"queries of {_LENGTHS[words - 1]}"]
        names += [f"queries of kind {kind}"] if kind else []
        names += [f"queries for {categories[query]}"] if query in categories else []
        for name in names:
            found.setdefault(name, set()).add(query)
    return {name: frozenset(found[name]) for name in sorted(found)}


def _categories(
    queries: Iterable[str], paths: Mapping[str, Sequence[tuple[str, ...]]]
) -> Mapping[str, str]:
    """The category of most of each query's hits, at the first level where not nearly all are of
    one; the most frequent ones."""
    for depth in range(1, _DEEPEST + 1):
        found: dict[str, str] = {}
        for query in queries:
            names = Counter("/".join(path[:depth]) for path in paths.get(query, ()) if path)
            best = max(names.items(), key=lambda one: (one[1], one[0]), default=("", 0))
            if 2 * best[1] > sum(names.values()):
                found[query] = best[0]
        often = Counter(found.values()).most_common(_MOST)
        if often and often[0][1] <= _WHOLE * len(found):
            kept = {name for name, _ in often}
            return {query: name for query, name in found.items() if name in kept}
    return {}


def page_parts(pages: Pages, parts: Parts) -> Mapping[str, NDArray[np.bool_]]:
    """Rows of logged pages by segment: those of the queries' `parts`, of queries that are asked
    often, sometimes and rarely (each a third of the searches), and of each side that shoppers
    searched from; without what is nearly all of the pages."""
    texts, queries = np.array(pages.texts, object), pages.shown.queries
    found = {
        name: np.array([text in own for text in texts], bool)[queries]
        for name, own in parts.items()
    }
    band = _bands(pages)[queries]
    found |= {f"queries asked {name}": band == i for i, name in enumerate(_BANDS)}
    if len(names := np.unique(pages.sides)) > 1:
        found |= {f"searches from {name or 'elsewhere'}": pages.sides == name for name in names}
    return {name: rows for name, rows in found.items() if 0 < rows.mean() <= _WHOLE}


def _bands(pages: Pages) -> NDArray[np.int64]:
    """0, 1 or 2 by query: in the first, second or last third of the searches, the queries that are
    asked most coming first."""
    shown = pages.shown
    asked = np.unique(np.stack([shown.queries, shown.searches]), axis=1)[0]
    counts = np.bincount(asked, minlength=len(pages.texts))
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    bands = np.empty(len(counts), np.int64)
    bands[order] = np.minimum(3 * before // max(counts.sum(), 1), 2)
    return bands
