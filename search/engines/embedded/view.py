"""`search.seams.View` over one state of the embedded index: every search runs in a thread."""

from __future__ import annotations

from collections.abc import Sequence

from search.engines.embedded.state import IndexState
from search.engines.local.view import LocalView
from search.types import Facet, Filters, Named, Ordinals, Query, Sort, WordMatches


class EmbeddedView(LocalView[IndexState]):
    """One consistent, unchanging state of an embedded index."""

    async def named(self, query: Query) -> Named:
        """See `IndexState.named`."""
        return await self._run(self._state.named, query)

    async def words(
        self, query: Query, filters: Filters, limit: int, relax: bool = False
    ) -> WordMatches:
        """See `IndexState.words`."""
        return await self._run(self._state.words, query, filters, limit, relax)

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

    async def find(self, product_id: str) -> int | None:
        """See `IndexState.find`."""
        return await self._run(self._state.find, product_id)
