"""An index that is searched and changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.seams.facts import Columns, Facts
from search.types import (
    Applied,
    Change,
    Facet,
    Filter,
    Filters,
    Named,
    Ordinals,
    Product,
    Query,
    Ranking,
    Sort,
    Vector,
    WordMatches,
)

T = TypeVar("T")


class View(Protocol):
    """One consistent, unchanging state of an index.

    A view stays usable while anybody holds it, whatever is written meanwhile. All ordinals belong
    to the view they came from.
    """

    version: str
    """Snapshot version and delta sequence, `20261121T101500-3f9a.12`."""
    count: int
    """Products that can be found."""
    encoder: str | None
    """The encoder of its vectors, None when it holds none."""
    columns: Columns
    understanding: Path | None
    """The directory of what queries are understood with (`query.understanding`), None without."""
    recent: tuple[str, ...]
    """Titles and brands of products added since that was built."""

    async def compute(self, work: Callable[[Facts], T]) -> T:
        """Runs work on the facts of this view in a thread."""
        ...

    async def satisfy(self, ordinals: Ordinals, filters: Sequence[Filter]) -> NDArray[np.bool_]:
        """Which products satisfy which filter, bool of shape (len(filters), len(ordinals)). A
        filter that this index cannot understand is satisfied by none."""
        ...

    async def named(self, query: Query) -> Named:
        """The few products that the query names."""
        ...

    async def words(
        self, query: Query, filters: Filters, limit: int, relax: bool = False
    ) -> WordMatches:
        """The best products by BM25: those with every word; those with some words too when the
        whole catalogue has few with every word, or with `relax`."""
        ...

    async def meaning(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """The nearest products by inner product of unit vectors."""
        ...

    async def sorted_words(
        self, query: Query, filters: Filters, sort: Sort, limit: int, relax: bool = False
    ) -> WordMatches:
        """Every product that matches the words, in the stated order instead of by relevance."""
        ...

    async def facets(
        self,
        query: Query | None,
        filters: Filters,
        also: Ordinals,
        names: Sequence[str] | None,
        relax: bool = False,
    ) -> tuple[int, tuple[Facet, ...]]:
        """Exact size and facet counts of the result set: products that match the words, together
        with `also`; `also` alone when `query` is None. A facet ignores its own filter, so that a
        shopper sees the alternatives."""
        ...

    async def facets_of(
        self, ordinals: Ordinals, filters: Filters, names: Sequence[str] | None
    ) -> tuple[Facet, ...]:
        """Facets of some products alone, as far as this process can count them by itself: without
        attributes. For when a server does not answer.

        Raises:
            BadInput: a filter or a facet's name is wrong.
        """
        ...

    async def products(self, ordinals: Ordinals) -> list[Product]:
        """The stored products, in the order asked."""
        ...

    async def find(self, product_id: str) -> int | None:
        """The ordinal of a product id, None when there is none."""
        ...

    async def vector(self, ordinal: int) -> Vector | None:
        """The stored embedding of a product (as the index holds it), None when there is none."""
        ...


class Engine(Protocol):
    """An index that can be searched."""

    async def view(self, version: str | None = None) -> View:
        """The newest view, or an earlier one by version. When that is not held, here or any
        longer, the nearest of the same snapshot stands in for it.

        Raises:
            IndexMissing: nothing has been indexed yet.
            CursorExpired: no view of the snapshot of `version` is held.
        """
        ...

    async def refresh(self) -> View:
        """Looks for newer data now instead of at the next poll; returns the newest view."""
        ...

    def changing(self) -> AbstractAsyncContextManager[None]:
        """Around a change of the catalogue that this process makes.

        Raises:
            EngineUnavailable: what holds the words is known to be away.
        """
        ...

    async def close(self) -> None:
        """Stops background work; views already handed out stay usable."""
        ...


class CatalogueWriter(Protocol):
    """Changes the catalogue behind an engine."""

    def apply(self, changes: Sequence[Change]) -> Applied:
        """Applies a batch as one: readers see all of it or nothing. Durable when it returns,
        visible to every process within a second. Blocks; call it from a thread.

        Raises:
            StorageFailed: the disk refused; nothing of the batch is applied.
        """
        ...
