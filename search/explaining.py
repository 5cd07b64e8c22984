"""Why a product is where it is in the answer to a query, or why it is not there at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from search.errors import NotFound
from search.pipeline import Pipeline
from search.ranking import model_used
from search.relaxing import understood
from search.retrieval import Candidates, Trace
from search.seams import View
from search.types import Filter, Filters, Hit, ModelUsed, Product, Query, Ranking, SearchRequest


@dataclass(frozen=True, slots=True)
class Absence:
    """What keeps a product from being a result: `filters` that it does not satisfy, whether it has
    every word, or any, and how near in meaning it is (inner product of unit vectors, None without
    vectors) beside the `least` that was near enough."""

    filters: Filters
    every_word: bool
    any_word: bool
    similarity: float | None
    least: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """One product: its hit, with its position among all, or what keeps it away."""

    product: Product
    hit: Hit | None
    absence: Absence | None


@dataclass(frozen=True, slots=True)
class Places:
    """Some products in the answer to one query; `found` counts the results that were ranked."""

    query: Query
    system: str
    model: ModelUsed | None
    found: int
    places: tuple[Place, ...]
    fallbacks: tuple[str, ...] = ()


async def explain_places(pipeline: Pipeline, request: SearchRequest, ids: Sequence[str]) -> Places:
    """Where each product is in the answer to a request, and why.

    Raises:
        NotFound: the index has no product of that id.
        BadInput: the request cannot be answered as asked.
    """
    trace, view = Trace(), await pipeline.engine.view()
    request = replace(request, explain=True)
    ordinals = [await _ordinal(view, each) for each in ids]
    turn = pipeline.arranging.turn(request, None) if pipeline.arranging is not None else None
    arranged = await pipeline.arranged(view, request, trace, turn)
    ranking, places = arranged.ranking, []
    for ordinal in ordinals:
        at = np.flatnonzero(ranking.ordinals == ordinal)
        if len(at):
            single = replace(request, size=1)
            (hit,) = await pipeline.page(view, arranged, single, int(at[0]), trace)
            places.append(Place(hit.product, hit, None))
        else:
            (product,) = await view.products(np.array([ordinal], np.int32))
            places.append(Place(product, None, await _absence(view, arranged.found, ordinal,
                                                              product, request)))  # fmt: skip
    return Places(
        query=arranged.found.query,
        system=pipeline.name,
        model=model_used(arranged.found),
        found=len(ranking),
        places=tuple(places),
        fallbacks=tuple(trace.fallbacks),
    )


async def _ordinal(view: View, product_id: str) -> int:
    ordinal = await view.find(product_id)
    if ordinal is None:
        raise NotFound(f"no product has the id {product_id!r}")
    return ordinal


async def _absence(
    view: View, found: Candidates, ordinal: int, product: Product, request: SearchRequest
) -> Absence:
    query = found.query
    kept = found.filters or understood(query, request.filters)
    satisfied = await view.satisfy(np.array([ordinal], np.int32), kept)
    only = (Filter("id", (product.id,)),)
    every = await view.words(query, only, 1)
    some = await view.words(query, only, 1, relax=True)
    stored = await view.vector(ordinal)
    near = found.stages.get("meaning", Ranking.empty())
    return Absence(
        filters=tuple(each for each, held in zip(kept, satisfied[:, 0], strict=True) if not held),
        every_word=every.relaxation == "none" and len(every.ranking) > 0,
        any_word=len(some.ranking) > 0,
        similarity=None if stored is None or found.vector is None else float(stored @ found.vector),
        least=float(near.scores[-1]) if len(near) else None,
    )
