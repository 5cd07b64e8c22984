"""`search.seams.View` over one state of an index on a server: words are awaited, the rest runs in
threads of this process."""

from __future__ import annotations

from collections.abc import Sequence

from search.engines.embedded.facets import FacetCounter
from search.engines.embedded.local_view import LocalView
from search.engines.embedded.tally import Asked, Tally
from search.engines.server.state import ServerState
from search.types import Facet, Filters, Named, Ordinals, Query, Sort, WordMatches


class ServerView(LocalView[ServerState]):
    """One consistent, unchanging state of an index."""

    async def named(self, query: Query) -> Named:
        """See `ServerState.named`."""
        return await self._state.named(query)

    async def words(
        self, query: Query, filters: Filters, limit: int, relax: bool = False
    ) -> WordMatches:
        """See `ServerState.words`."""
        return await self._state.words(query, filters, limit, relax)

    async def sorted_words(
        self, query: Query, filters: Filters, sort: Sort, limit: int, relax: bool = False
    ) -> WordMatches:
        """See `ServerState.sorted_words`."""
        if not query.terms:
            return await self._run(self._state.browse, filters, sort, limit)
        return await self._state.sorted_words(query, filters, sort, limit, relax)

    async def facets(
        self,
        query: Query | None,
        filters: Filters,
        also: Ordinals,
        names: Sequence[str] | None,
        relax: bool = False,
    ) -> tuple[int, tuple[Facet, ...]]:
        """See `ServerState.facets`."""
        if query is not None and not query.terms:
            return await FacetCounter(self._state.filters, filters).counted(names, self._browsed)
        return await self._state.facets(query, filters, also, names, relax)

    async def _browsed(self, filters: Filters, asked: Asked) -> Tally:
        own = await self._run(self._state.local_counts, filters, asked)
        others = await self._state.server_counts(filters, asked)
        return own.joined(others) if others else own

    async def find(self, product_id: str) -> int | None:
        """See `ServerState.find`."""
        return await self._run(self._state.find, product_id)
