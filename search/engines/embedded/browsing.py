"""Facets of results without words, the latest of them kept: shops ask for few such again and
again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import tantivy

from search.engines.embedded.aggregations import MatchCounting
from search.engines.embedded.dialect import TantivyDialect
from search.engines.local.column_counting import ColumnCounting
from search.engines.local.facets import FacetCounter
from search.engines.local.filters import FilterIndex
from search.engines.local.masks import MaskCache
from search.types import Facet, Filters

_KEPT = 64
"""A few kilobytes each."""


class BrowsingFacets:
    """Facets by filters alone, over one state of the index, which never changes."""

    def __init__(
        self,
        searcher: tantivy.Searcher,
        schema: tantivy.Schema,
        index: FilterIndex,
        masks: MaskCache,
    ) -> None:
        dialect = TantivyDialect(schema)
        others = MatchCounting(searcher, dialect, index, dialect.everything())
        counting = ColumnCounting(index, masks, others)
        self._of = lru_cache(_KEPT)(
            lambda filters, names: FacetCounter(index, filters).count(names, counting)
        )

    def of(self, filters: Filters, names: Sequence[str] | None) -> tuple[int, tuple[Facet, ...]]:
        """See `FacetCounter.count`.

        Raises:
            BadInput: a filter or a facet's name is wrong.
        """
        return self._of(filters, None if names is None else tuple(names))
