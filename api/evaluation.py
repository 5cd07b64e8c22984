"""The running search as the evaluation sees it: a ranking of product ids for each query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from api.evaluating.observed import Observed
from eval import Run, rank_by_score
from search import fallbacks
from search.build import Search
from search.errors import AisleError
from search.retrieval import Trace
from search.types import Filter, SearchRequest

Progress = Callable[[str, int, int | None], None]
"""Told a stage, how many queries are done, and of how many."""
_STOOD_IN = (
    *("ranking", "no ranking model", "reading", "no cross-encoder", "words ", "meaning "),
    *(fallbacks.PART, fallbacks.NAMED),
)
"""How fallbacks begin with which an answer is not that of the system."""
_TRIES = 3
"""How often a query is asked that a busy machine or server answered without a stage."""


@dataclass(frozen=True, slots=True)
class IndexSearcher:
    """Ranks with the systems of one open index; what it notices on the way goes to `observed`."""

    search: Search
    observed: Observed | None = None
    progress: Progress | None = None

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
            AisleError: its model did not order a query, or a part of it failed or was late for one
                again and again.
        """
        run = {}
        for done, query in enumerate(queries, 1):
            run[query] = await self._rank(system, query, depth, (candidates or {}).get(query))
            if self.progress is not None:
                self.progress(f"search with {system}", done, len(queries))
        return run

    async def _rank(
        self, system: str, query: str, depth: int, candidates: Sequence[str] | None
    ) -> Sequence[str]:
        filters = () if candidates is None else (Filter("id", tuple(candidates)),)
        asked = SearchRequest(query, filters=filters, size=depth, system=system)
        # What stands in for a stage that failed or was late is not what is to be measured.
        for _ in range(_TRIES):
            scores, stood_in = await self._answer(system, asked)
            if stood_in is None:
                return rank_by_score(scores)
        raise AisleError(f"{system} did not rank {query!r}: {stood_in}")

    async def _answer(
        self, system: str, asked: SearchRequest
    ) -> tuple[Mapping[str, float], str | None]:
        """The scores by product, and what was done without for it, if anything was."""
        pipeline = self.search.system(asked)
        view, trace = await pipeline.engine.view(), Trace()
        arranging = pipeline.arranging
        turn = arranging.turn(asked, None) if arranging is not None else None
        # Places left to chance are no part of what is to be measured, nor are facets.
        arranged = await pipeline.arranged(view, asked, trace, turn)
        hits = await pipeline.page(view, arranged, asked, 0, trace)
        stood_in = next((each for each in trace.fallbacks if each.startswith(_STOOD_IN)), None)
        if stood_in is None and self.observed is not None:
            self.observed.note(hit.product for hit in hits)
            await self.observed.place(system, asked.query, view, arranged.found)
        return {hit.product.id: hit.score for hit in hits}, stood_in
