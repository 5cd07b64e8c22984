"""The nearest products by the server's own vector field, for `dense = "server"`.

Both servers search a graph (HNSW, Malkov and Yashunin, 2016); Elasticsearch keeps vectors in it as
one byte per dimension. A score is made from the inner product so that none is negative, and is
turned back here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from search.engines.server.dialect import Dsl
from search.types import Filters, Mask, Ranking, Vector

FIELD = "vector"
MOST = 10_000
"""As many neighbors a server gives."""
_CANDIDATES, _FEWEST = 1.5, 100
"""How many times more neighbors Elasticsearch looks at than it gives, and how many at least."""
_SPARE = 16
"""Neighbors asked for beyond those wanted, in place of any that this state has not."""


class Searched(Protocol):
    """What is asked of a state: `search.engines.server.state.ServerState`."""

    @property
    def product(self) -> str:
        """How people call the server."""
        ...

    @property
    def alive(self) -> Mask:
        """Which ordinals can be found."""
        ...

    def allowed(self, filters: Filters) -> Dsl:
        """What satisfies filters in this state; raises BadInput."""
        ...

    async def best(self, query: Dsl, limit: int) -> Ranking:
        """The best of a query with the server's scores, ties by ordinal."""
        ...


def field(product: str, dimensions: int) -> Mapping[str, Any]:
    """The mapping of the vectors. They need not have length one: one of an empty text has none."""
    if product == "OpenSearch":
        method = {"name": "hnsw", "engine": "lucene", "space_type": "innerproduct"}
        return {"type": "knn_vector", "dimension": dimensions, "method": method}
    return {
        "type": "dense_vector",
        "dims": dimensions,
        "similarity": "max_inner_product",
        "index_options": {"type": "int8_hnsw"},
    }


def sent(vector: Vector) -> list[float]:
    """A vector as JSON: six digits after the point, half of what float32 would print."""
    rounded: list[float] = np.round(vector.astype(np.float64), 6).tolist()
    return rounded


async def nearest(state: Searched, vector: Vector, filters: Filters, limit: int) -> Ranking:
    """The nearest products by inner product, best first, ties by ordinal.

    Without filters the server is not told what this state has, since looking every neighbor up
    costs it more than giving a few in vain: those are left out here, and where there are many of
    them, it is told after all.
    """
    limit = min(limit, MOST)
    if limit <= 0:
        return Ranking.empty()
    dead = len(state.alive) - int(np.count_nonzero(state.alive))
    wanted = limit + dead + _SPARE
    if not filters and dead <= limit and wanted <= MOST:
        found = await _asked(state, vector, wanted, None)
        own = _of_state(found, state.alive)
        if len(own) >= limit or len(found) < wanted:
            return own.head(limit)
    return await _asked(state, vector, limit, state.allowed(filters))


async def _asked(state: Searched, vector: Vector, count: int, condition: Dsl | None) -> Ranking:
    found = await state.best(_query(state.product, vector, count, condition), count)
    scores = inner_products(found.scores)
    order = np.lexsort((found.ordinals, -scores))
    return Ranking(found.ordinals[order], scores[order])


def _query(product: str, vector: Vector, count: int, condition: Dsl | None) -> Dsl:
    asked: Dsl = {"k": count} if condition is None else {"k": count, "filter": condition}
    if product == "OpenSearch":
        return {"knn": {FIELD: {"vector": sent(vector), **asked}}}
    looked_at = min(max(round(count * _CANDIDATES), _FEWEST), MOST)
    asked |= {"field": FIELD, "query_vector": sent(vector), "num_candidates": looked_at}
    return {"knn": asked}


def inner_products(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of Lucene's scores: 1 + x of a positive inner product x, 1 / (1 - x) of another."""
    return np.where(scores >= 1, scores - 1, 1 - 1 / np.maximum(scores, 1e-30)).astype(np.float32)


def _of_state(found: Ranking, alive: Mask) -> Ranking:
    known = found.ordinals < len(alive)
    known[known] = alive[found.ordinals[known]]
    return Ranking(found.ordinals[known], found.scores[known])
