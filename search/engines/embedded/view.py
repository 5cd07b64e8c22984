"""`search.seams.View` over one state of the embedded index: every search runs in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.engines.embedded.state import IndexState
from search.seams import Columns, Facts
from search.types import (
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

P = ParamSpec("P")
T = TypeVar("T")


class EmbeddedView:
    """One consistent, unchanging state of an embedded index."""

    def __init__(self, state: IndexState, pool: ThreadPoolExecutor) -> None:
        self._state, self._pool = state, pool
        self.version = state.version
        self.count = state.count
        self.encoder = state.encoder
        self.columns: Columns = state.columns
        self.understanding: Path | None = state.understanding
        self.recent = state.recent

    def rest(self) -> None:
        """Lets go of what can be made again, for a view that only cursors still use."""
        self._state.masks.clear()

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: work(*args, **kwargs))

    async def compute(self, work: Callable[[Facts], T]) -> T:
        """Runs work on the facts of this view in a thread of the engine."""
        return await self._run(work, self._state.facts)

    async def satisfy(self, ordinals: Ordinals, filters: Sequence[Filter]) -> NDArray[np.bool_]:
        """See `search.seams.View.satisfy`."""
        return await self._run(self._state.facts.satisfy, ordinals, filters)

    async def named(self, query: Query) -> Named:
        """See `IndexState.named`."""
        return await self._run(self._state.named, query)

    async def words(
        self, query: Query, filters: Filters, limit: int, relax: bool = False
    ) -> WordMatches:
        """See `IndexState.words`."""
        return await self._run(self._state.words, query, filters, limit, relax)

    async def meaning(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """See `IndexState.meaning`."""
        return await self._run(self._state.meaning, vector, filters, limit)

    async def sorted_words(
        self, query: Query, filters: Filters, sort: Sort, limit: int, relax: bool = False
    ) -> WordMatches:
        """See `IndexState.sorted_words`."""
        return await self._run(self._state.sorted_words, query, filters, sort, limit, relax)

    async def facets(
        self,
        query: Query | None,
        filters: Filters,
        also: Ordinals,
        names: Sequence[str] | None,
        relax: bool = False,
    ) -> tuple[int, tuple[Facet, ...]]:
        """See `IndexState.facets`."""
        return await self._run(self._state.facets, query, filters, also, names, relax)

    async def products(self, ordinals: Ordinals) -> list[Product]:
        """See `IndexState.products`."""
        return await self._run(self._state.products, ordinals)

    async def find(self, product_id: str) -> int | None:
        """See `IndexState.find`."""
        return await self._run(self._state.find, product_id)

    async def vector(self, ordinal: int) -> Vector | None:
        """See `IndexState.vector`."""
        return await self._run(self._state.vector, ordinal)
