"""The online path: a request becomes a response, stage by stage.

A stage that fails or outlives its deadline is replaced by its stated fallback, and the response
names it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from search.cursor import Cursor, decode_cursor, encode_cursor, fingerprint
from search.errors import BadInput, NotFound
from search.highlight import highlight
from search.ranking import RankingStage
from search.results import explain, group_variants, variant_counts
from search.retrieval import Candidates, Retrieval, Trace
from search.seams import Engine, View
from search.settings import Settings
from search.types import (
    Facet,
    Hit,
    Query,
    Ranking,
    Relaxation,
    SearchRequest,
    SearchResponse,
    WordMatches,
)
from search.understandings import Understandings


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One system: how a query is understood, and how candidates for it are found."""

    name: str
    engine: Engine
    understandings: Understandings
    retrieval: Retrieval
    settings: Settings
    ranking: RankingStage | None = None

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Answers one request.

        Raises:
            BadInput: the request cannot be answered as asked.
            IndexMissing: nothing is indexed yet.
        """
        trace = Trace()
        cursor = decode_cursor(request.cursor, request) if request.cursor else None
        view = await self.engine.view(cursor.version if cursor else None)
        offset = cursor.offset if cursor else 0
        found = await self.candidates(view, request, trace)
        if self.ranking is not None:
            found = await self.ranking.rank(view, found, request, trace)
        query = found.query
        ranking = group_variants(found.fused, view.columns) if request.group else found.fused
        total, facets, exact = await self._count(view, found, request, trace)
        hits = await self._page(view, ranking, found, request, offset, trace)
        trace.since("total", trace.started)
        return SearchResponse(
            query=query,
            hits=hits,
            total=total,
            total_exact=exact,
            version=view.version,
            system=self.name,
            relaxation=self._relaxation(found),
            dropped=found.dropped,
            fallbacks=tuple(trace.fallbacks),
            facets=facets,
            cursor=self._next(view, request, offset + len(hits), len(ranking)),
            timings=trace.timings,
        )

    async def candidates(self, view: View, request: SearchRequest, trace: Trace) -> Candidates:
        """What there is to rank: the query understood, and what both retrievers find for it.

        Raises:
            BadInput: the request cannot be answered as asked.
        """
        start = time.perf_counter()
        understands = self.understandings.of(view)
        if self.understandings.unavailable(view):
            trace.fallbacks.append("understanding unavailable: words as typed")
        typed = Query(
            text=request.query,
            verbatim=request.verbatim,
            ignored=request.ignored,
            recent=self.understandings.recent(view),
        )
        query = understands.understand(typed)
        trace.since("understand", start)
        refine = understands.refine if understands.refines else None
        return await self.retrieval.find(view, query, request.filters, request.sort, trace, refine)

    def _relaxation(self, found: Candidates) -> Relaxation:
        asked = "words" in self.retrieval.retrievers and found.query.terms
        if asked and len(found.fused) and not len(found.words.ranking):
            return "meaning_only"
        return found.words.relaxation

    async def _count(
        self,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
    ) -> tuple[int, tuple[Facet, ...], bool]:
        if request.facets == ():
            return len(found.fused), (), found.complete
        start = time.perf_counter()
        # What the words found need not be named: it matches them.
        near = found.stages.get("meaning", Ranking.empty())
        also = np.union1d(found.near, near.ordinals)
        by_words = "words" in self.retrieval.retrievers or not found.query.terms
        query = found.query if by_words else None
        total, facets = await view.facets(query, found.filters, also, request.facets, found.relaxed)
        trace.since("facets", start)
        return total, facets, True

    async def _page(
        self,
        view: View,
        ranking: Ranking,
        found: Candidates,
        request: SearchRequest,
        offset: int,
        trace: Trace,
    ) -> tuple[Hit, ...]:
        start = time.perf_counter()
        page = slice(offset, offset + request.size)
        ordinals, scores = ranking.ordinals[page], ranking.scores[page]
        products = await view.products(ordinals)
        variants = variant_counts(found.fused, view.columns, ordinals) if request.group else {}
        stages = {**found.stages, "fused": found.stages.get("fused", found.fused)}
        words = searched_words(found.query)
        hits = []
        for i, (product, score) in enumerate(zip(products, scores.tolist(), strict=True)):
            ordinal = int(ordinals[i])
            hit = Hit(product, offset + i + 1, score, variants=variants.get(ordinal, 0))
            if request.highlight:
                hit = replace(hit, highlights=highlight(product, words))
            if request.explain:
                hit = replace(hit, why=explain(ordinal, stages))
            hits.append(hit)
        trace.since("page", start)
        return tuple(hits)

    def _next(self, view: View, request: SearchRequest, offset: int, available: int) -> str | None:
        if offset >= min(available, self.settings.limits.page_depth) or request.size == 0:
            return None
        return encode_cursor(Cursor(view.version, offset, fingerprint(request)))

    async def similar(self, product_id: str, size: int) -> SearchResponse:
        """Products nearest in meaning to one, itself and its variants left out.

        Raises:
            NotFound: no product has this id.
            BadInput: the index holds no vector for it.
        """
        trace = Trace()
        view = await self.engine.view()
        ordinal = await view.find(product_id)
        if ordinal is None:
            raise NotFound(f"no product has the id {product_id!r}")
        vector = await view.vector(ordinal)
        if vector is None:
            raise BadInput("this index holds no vectors; index again with an encoder", field="id")
        near = await view.meaning(vector, (), size + 50)
        ranking = others(near, view, ordinal).head(size)
        request = SearchRequest(query="", size=size)
        found = Candidates(ranking, {"meaning": ranking}, WordMatches(Ranking.empty()), True)
        hits = await self._page(view, ranking, found, request, 0, trace)
        trace.since("total", trace.started)
        return SearchResponse(
            Query(""), hits, len(hits), True, view.version, "similar", timings=trace.timings
        )


def searched_words(query: Query) -> tuple[str, ...]:
    """The query's words and those that may stand for them."""
    instead = (word for each in query.alternatives for word in each.instead)
    return tuple(dict.fromkeys((*query.terms, *instead)))


def others(ranking: Ranking, view: View, ordinal: int) -> Ranking:
    """The ranking without one document and its variants."""
    group = view.columns.codes("group")
    keep = ranking.ordinals != ordinal
    if group[ordinal] >= 0:
        keep &= group[ranking.ordinals] != group[ordinal]
    return Ranking(ranking.ordinals[keep], ranking.scores[keep])
