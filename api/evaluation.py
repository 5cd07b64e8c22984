"""The running search as the evaluation sees it: a ranking of product ids for each query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval import Run, rank_by_score
from search.build import Search
from search.errors import AisleError
from search.types import Filter, SearchRequest, SearchResponse

_UNRANKED = ("ranking", "no ranking model")
"""How fallbacks begin that say that no model ordered the hits."""


@dataclass(frozen=True, slots=True)
class IndexSearcher:
    """Ranks with the systems of one open index. `noted` is told each query with its answer."""

    search: Search
    noted: Callable[[str, SearchResponse], None] = lambda query, response: None

    async def run(
        self,
        system: str,
        queries: Sequence[str],
        depth: int,
        candidates: Mapping[str, Sequence[str]] | None,
    ) -> Run:
        """For each query at most `depth` product ids by (−score, id); with `candidates`, only
        those of the query.

        Raises:
            BadInput: there is no such system.
            AisleError: its model did not order a query.
        """
        return {
            query: await self._rank(system, query, depth, (candidates or {}).get(query))
            for query in queries
        }

    async def _rank(
        self, system: str, query: str, depth: int, candidates: Sequence[str] | None
    ) -> Sequence[str]:
        filters = () if candidates is None else (Filter("id", tuple(candidates)),)
        asked = SearchRequest(query, filters=filters, size=depth, system=system)
        found = await self.search.search(asked)
        # What stands in for a ranking that failed is not what is to be measured.
        unranked = [each for each in found.fallbacks if each.startswith(_UNRANKED)]
        if unranked:
            raise AisleError(f"{system} did not rank {query!r}: {unranked[0]}")
        self.noted(query, found)
        return rank_by_score({hit.product.id: hit.score for hit in found.hits})
