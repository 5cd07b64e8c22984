"""`search.seams.View` over one state of an index on a server: words are awaited, the rest runs in
threads of this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from search import fallbacks
from search.engines.local.facets import FacetCounter
from search.engines.local.filters import FILTERS
from search.engines.local.tally import Asked, Tally
from search.engines.local.view import LocalView
from search.engines.server.faults import Away
from search.engines.server.reviving import calm, revive
from search.engines.server.state import ServerState
from search.errors import BadInput, EngineUnavailable, EngineUnusable, IndexCorrupt, NotFound
from search.resilience import Guard, note
from search.types import (
    Facet,
    Filters,
    Named,
    Ordinals,
    Query,
    Ranking,
    Sort,
    Vector,
    WordMatches,
)

T = TypeVar("T")


def harmless(error: BaseException) -> bool:
    """Whether an error says nothing against the server: an answer about the request or about the
    index of a view, or none in too little time."""
    if isinstance(error, EngineUnusable):
        return False
    if isinstance(error, Away):
        return error.hurried
    return isinstance(error, (BadInput, NotFound, IndexCorrupt))


class ServerView(LocalView[ServerState]):
    """One consistent, unchanging state of an index. Whatever keeps the server from finding words in
    it is `EngineUnavailable` to those who search."""

    def __init__(self, state: ServerState, pool: ThreadPoolExecutor, guard: Guard) -> None:
        super().__init__(state, pool)
        self._guard = guard

    async def _asked(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            async with self._guard.asking():
                return await work()
        except (NotFound, IndexCorrupt, EngineUnusable) as error:
            self._guard.tell(str(error))
            raise EngineUnavailable(str(error)) from error

    async def probe(self, seconds: float) -> None:
        """See `ServerState.probe`."""
        await self._state.probe(seconds)

    async def revive(self, seconds: float, *, well: bool = False) -> None:
        """See `search.engines.server.reviving`; `well` takes back what it did."""
        await (calm if well else revive)(self._state.server, self._state.index, seconds)

    async def probe_changes(self, seconds: float) -> None:
        """See `ServerState.probe_changes`."""
        await self._state.probe_changes(seconds)

    async def named(self, query: Query) -> Named:
        """See `ServerState.named`."""
        return await self._asked(lambda: self._state.named(query))

    async def words(
        self, query: Query, filters: Filters, limit: int, relax: bool = False
    ) -> WordMatches:
        """See `ServerState.words`."""
        return await self._asked(lambda: self._state.words(query, filters, limit, relax))

    async def meaning(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """See `LocalState.meaning`; by the server where settings say so and it answers."""
        if self._state.dense_there:
            with suppress(EngineUnavailable):  # which the guard tells once
                return await self._asked(lambda: self._state.nearest(vector, filters, limit))
        return await super().meaning(vector, filters, limit)

    async def sorted_words(
        self, query: Query, filters: Filters, sort: Sort, limit: int, relax: bool = False
    ) -> WordMatches:
        """See `ServerState.sorted_words`."""
        if not query.terms:
            return await self._run(self._state.browse, filters, sort, limit)
        state = self._state
        return await self._asked(lambda: state.sorted_words(query, filters, sort, limit, relax))

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
        state = self._state
        return await self._asked(lambda: state.facets(query, filters, also, names, relax))

    async def _browsed(self, filters: Filters, asked: Asked) -> Tally:
        own = await self._run(self._state.local_counts, filters, asked)
        try:
            others = await self._asked(lambda: self._state.server_counts(filters, asked))
        except EngineUnavailable:
            note(fallbacks.ATTRIBUTES)
            others = Tally(0, {name: {} for name in asked if name not in FILTERS}, {})
        return own.joined(others) if others else own

    async def find(self, product_id: str) -> int | None:
        """See `ServerState.find`."""
        return await self._run(self._state.find, product_id)
