"""A query's candidates with their features, as a ranking model would see them."""

from __future__ import annotations

from dataclasses import replace

from search.build import Search
from search.pipeline import Pipeline
from search.ranking import pool
from search.retrieval import Trace
from search.seams import View
from search.types import Pool, SearchRequest, Shopper

SYSTEM = "hybrid"
"""The system whose candidates models reorder."""


async def candidate_pool(
    search: Search, view: View, query: str, depth: int, shopper: Shopper | None = None
) -> Pool:
    """The best `depth` candidates for a query.

    Raises:
        BadInput: the query cannot be answered.
    """
    pipeline: Pipeline = search.systems[SYSTEM]
    request = SearchRequest(query, system=SYSTEM, shopper=shopper or Shopper())
    found = await pipeline.candidates(view, request, Trace())
    whole = await pool(view, found, request.shopper)
    return replace(whole, ranking=whole.ranking.head(depth))
