"""One unchanging state of what a process holds itself of an index, whoever finds its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.engines.local.column_counting import ColumnCounting
from search.engines.local.columns import ColumnsView
from search.engines.local.dense import VectorIndex
from search.engines.local.documents import DocumentStore
from search.engines.local.facets import FacetCounter
from search.engines.local.facts import EmbeddedFacts
from search.engines.local.filters import FILTERS, FilterIndex
from search.engines.local.masks import MaskCache
from search.engines.local.order import BaseOrders
from search.engines.local.tally import Asked, Tally
from search.ordering import best_first
from search.settings import WordsSettings
from search.types import Facet, Filters, Mask, Ordinals, Product, Ranking, Vector, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalState:
    """Columns, documents and vectors of one version. Safe to use from several threads.

    `vectors` hold the snapshot's own rows, `later` (float32, shape (rows, dimensions)) those of
    live changes, whose ordinals follow.
    """

    version: str
    encoder: str | None
    columns: ColumnsView
    filters: FilterIndex
    masks: MaskCache
    documents: DocumentStore
    orders: BaseOrders
    facts: EmbeddedFacts
    vectors: VectorIndex | None
    later: Vectors
    settings: WordsSettings
    understanding: Path | None
    recent: tuple[str, ...]

    @property
    def count(self) -> int:
        """Products that can be found."""
        return self.masks.count

    def meaning(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """The nearest products by inner product, best first, ties by ordinal; none when the index
        holds no vectors.

        Raises:
            BadInput: a filter is wrong.
        """
        mask = self.masks.of(filters)
        if self.vectors is None or limit <= 0:
            return Ranking.empty()
        base = self.vectors.count
        everything = not filters and (self.masks.all_alive or mask[:base].all())
        allowed = None if everything else mask[:base]
        found = self.vectors.search(vector, limit, allowed)
        new = np.flatnonzero(mask[base:])
        if not len(new):
            return found
        ordinals = np.concatenate([found.ordinals, (new + base).astype(np.int32)])
        scores = np.concatenate([found.scores, self.later[new] @ vector])
        return best_first(ordinals, scores, limit)

    def facets_of(
        self, ordinals: Ordinals, filters: Filters, names: Sequence[str] | None
    ) -> tuple[Facet, ...]:
        """See `search.seams.View.facets_of`.

        Raises:
            BadInput: a filter or a facet's name is wrong.
        """
        counting = ColumnCounting(self.filters, _Among(self.masks, ordinals), _Uncounted())
        _, facets = FacetCounter(self.filters, filters).count(names, counting)
        return tuple(each for each in facets if each.name in FILTERS)

    def products(self, ordinals: Ordinals) -> list[Product]:
        """The stored products, in the order asked."""
        return self.documents.products(ordinals)

    def vector(self, ordinal: int) -> Vector | None:
        """The stored embedding of a product, None in an index without vectors."""
        if self.vectors is None:
            return None
        base = self.vectors.count
        return self.vectors.vector(ordinal) if ordinal < base else self.later[ordinal - base]


@dataclass(frozen=True, slots=True)
class _Among:
    """Some of the products."""

    masks: MaskCache
    ordinals: Ordinals

    def of(self, filters: Filters) -> Mask:
        """Those of them that satisfy filters."""
        satisfying = self.masks.of(filters)
        mask = np.zeros_like(satisfying)
        mask[self.ordinals] = satisfying[self.ordinals]
        return mask


class _Uncounted:
    """Stands for who would count what has no column."""

    def count(self, filters: Filters, asked: Asked) -> Tally:
        """Nothing."""
        return Tally(0, {name: {} for name in asked}, {})
