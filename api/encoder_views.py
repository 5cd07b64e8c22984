"""A system as it would search with another encoder, without building its index: only where the
nearest products are looked for, and the query's own vector, are different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from query.text import words
from search.build import Search
from search.encoding import encoded_text
from search.ordering import best_first
from search.pipeline import Pipeline
from search.seams import Encoder, Engine, View
from search.types import Filters, Ordinals, Query, Ranking, Vector, Vectors
from search.understandings import Understandings, Understands


class ReencodedView:
    """A view whose products have other vectors, all of them compared. Everything else is that of
    `view`."""

    def __init__(
        self, view: View, encoder: str, vectors: Vectors, rows: Ordinals | None = None
    ) -> None:
        """`vectors` are unit vectors, float32 of shape (documents, dimensions), or where only
        `rows` are encoded, of those ordinals, ascending."""
        self._view, self._vectors = view, vectors
        self._rows = np.arange(len(vectors), dtype=np.int32) if rows is None else rows
        self.encoder: str | None = encoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    async def meaning(self, vector: Vector, filters: Filters, limit: int) -> Ranking:
        """See `search.seams.View.meaning`; exact."""
        # Without filters, satisfied by none of none, every product is allowed.
        satisfied = await self._view.satisfy(self._rows, filters)
        rows = np.flatnonzero(np.all(satisfied, axis=0))
        scores: NDArray[np.float32] = self._vectors[rows] @ vector
        return best_first(self._rows[rows], scores, limit)

    async def vector(self, ordinal: int) -> Vector | None:
        """See `search.seams.View.vector`."""
        place = int(np.searchsorted(self._rows, ordinal))
        known = place < len(self._rows) and self._rows[place] == ordinal
        return self._vectors[place] if known else None


@dataclass(frozen=True, slots=True)
class _OneView:
    """An engine that has one view."""

    only: View

    async def view(self, version: str | None = None) -> View:
        return self.only


@dataclass(frozen=True, slots=True)
class _SameUnderstanding:
    """What `understands` makes of a query; what a vector tells, it was taught with `encoder`."""

    understands: Understands
    encoder: Encoder

    @property
    def refines(self) -> bool:
        return self.understands.refines

    def understand(self, query: Query) -> Query:
        return self.understands.understand(query)

    def refine(self, query: Query, vector: Vector | None) -> Query:
        if vector is not None:
            vector = self.encoder.encode([encoded_text(query)])[0]
        return self.understands.refine(query, vector)


def with_encoder(
    search: Search,
    reencoded: ReencodedView,
    systems: Sequence[str],
    base: Encoder,
    adapted: Encoder,
) -> Search:
    """The systems of a search over other vectors, with queries encoded by `adapted`; understanding
    goes on with `base`, which it was learned with."""
    view = cast(View, reencoded)

    def changed(pipeline: Pipeline) -> Pipeline:
        own = pipeline.understandings
        understandings = Understandings(lambda _: _SameUnderstanding(own.of(view), base), words)
        return replace(
            pipeline,
            engine=cast(Engine, _OneView(view)),
            understandings=understandings,
            retrieval=replace(pipeline.retrieval, encoders=lambda _: adapted),
        )

    return replace(search, systems={name: changed(search.systems[name]) for name in systems})
