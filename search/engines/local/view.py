"""What a view does in threads of this process, whoever finds its words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from search.engines.local.filters import IN_COLUMNS
from search.engines.local.state import LocalState
from search.seams import Columns, Facts
from search.types import Facet, Filter, Filters, Ordinals, Product, Ranking, Vector

_PAGE = 24
"""Products, at most, that are read at once: a third of a millisecond."""
_FEW = 2_000
"""Products of which columns are asked without a thread."""

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound=LocalState)


class LocalView(Generic[S]):
    """One consistent, unchanging state of an index."""

    def __init__(self, state: S, pool: ThreadPoolExecutor) -> None:
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
        """See `search.seams.View.satisfy`. What columns tell of some hundred products takes less
        than handing it to a thread would, in this one too."""
        facts = self._state.facts
        if len(ordinals) <= _FEW and all(each.name in IN_COLUMNS for each in filters):
            return facts.satisfy(ordinals, filters)
        return await self._run(facts.satisfy, ordinals, filters)

    async def meaning(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """See `LocalState.meaning`."""
        return await self._run(self._state.meaning, vector, filters, limit)

    async def facets_of(
        self, ordinals: Ordinals, filters: Filters, names: Sequence[str] | None
    ) -> tuple[Facet, ...]:
        """See `LocalState.facets_of`."""
        return await self._run(self._state.facets_of, ordinals, filters, names)

    async def products(self, ordinals: Ordinals) -> list[Product]:
        """See `LocalState.products`. A page of them is read sooner than a thread is asked for it,
        and reading holds Python's lock wherever it is done."""
        if len(ordinals) <= _PAGE:
            return self._state.products(ordinals)
        return await self._run(self._state.products, ordinals)

    async def vector(self, ordinal: int) -> Vector | None:
        """See `LocalState.vector`."""
        return await self._run(self._state.vector, ordinal)
