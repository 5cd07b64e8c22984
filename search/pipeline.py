"""The online path: a request becomes a response, stage by stage.

Words and meaning are retrieved concurrently. A stage that fails or outlives its deadline is
replaced by its stated fallback, and the response names it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from search.cursor import Cursor, decode_cursor, encode_cursor, fingerprint
from search.errors import BadInput, EncoderUnavailable, NotFound
from search.highlight import highlight
from search.seams import Encoder, Engine, Fusion, Rewriter, View
from search.settings import Settings
from search.types import (
    Facet,
    Filters,
    Hit,
    Ordinals,
    Query,
    Ranking,
    SearchRequest,
    SearchResponse,
    StageScore,
    Vector,
    WordMatches,
)


@dataclass(slots=True)
class Trace:
    """What one request spent and where it fell back; the pipeline's only mutable value."""

    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    fallbacks: list[str] = field(default_factory=list)

    def since(self, stage: str, start: float) -> None:
        """Notes the milliseconds a stage took, from its `time.perf_counter()` start."""
        self.timings[stage] = (time.perf_counter() - start) * 1000


@dataclass(frozen=True, slots=True)
class Candidates:
    """The result set's best part: the fused order and each retriever's own ranking."""

    fused: Ranking
    stages: Mapping[str, Ranking]
    words: WordMatches
    complete: bool
    """Whether `fused` is the whole result set, not only its best part."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One system: which retrievers it asks and how it merges them."""

    name: str
    engine: Engine
    encoders: Callable[[str | None], Encoder]
    """The encoder by name; raises EncoderUnavailable."""
    rewriters: Sequence[Rewriter]
    fusion: Fusion
    retrievers: frozenset[str]
    settings: Settings

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
        query = self.understand(request.query)
        trace.since("understand", trace.started)
        filters = request.filters + query.filters
        found = await self.candidates(view, query, filters, request, trace)
        ranking = group_variants(found.fused, view) if request.group else found.fused
        total, facets, exact = await self._count(view, query, filters, found, request, trace)
        hits = await self._page(view, query, ranking, found, request, offset, trace)
        trace.since("total", trace.started)
        words = found.words
        meaning_only = not len(words.ranking) and len(ranking) > 0 and bool(query.terms)
        return SearchResponse(
            query=query,
            hits=hits,
            total=total,
            total_exact=exact,
            version=view.version,
            system=self.name,
            relaxation="meaning_only"
            if meaning_only and "words" in self.retrievers
            else words.relaxation,
            fallbacks=tuple(trace.fallbacks),
            facets=facets,
            cursor=self._next(view, request, offset + len(hits), len(ranking)),
            timings=trace.timings,
        )

    def understand(self, text: str) -> Query:
        """Runs the rewriters in order."""
        query = Query(text=text)
        for rewrite in self.rewriters:
            query = rewrite(query)
        return query

    async def candidates(
        self, view: View, query: Query, filters: Filters, request: SearchRequest, trace: Trace
    ) -> Candidates:
        """Retrieves and fuses; sorted requests take every match of the words instead."""
        browse = not query.terms
        if request.sort != "relevance" or browse:
            return await self._sorted(view, query, filters, request, trace)
        words, meaning = await asyncio.gather(
            self._words(view, query, filters, trace), self._meaning(view, query, filters, trace)
        )
        start = time.perf_counter()
        stages = {"words": words.ranking, "meaning": meaning}
        asked = {name: stages[name] for name in stages if name in self.retrievers}
        fused = self.fusion(asked, self.settings.fusion.limit)
        trace.since("fuse", start)
        complete = len(words.ranking) < self.settings.words.limit
        return Candidates(fused, asked, words, complete)

    async def _sorted(
        self, view: View, query: Query, filters: Filters, request: SearchRequest, trace: Trace
    ) -> Candidates:
        start = time.perf_counter()
        limit = self.settings.limits.page_depth
        words = await view.sorted_words(query, filters, request.sort, limit)
        trace.since("words", start)
        return Candidates(
            words.ranking, {"words": words.ranking}, words, len(words.ranking) < limit
        )

    async def _words(self, view: View, query: Query, filters: Filters, trace: Trace) -> WordMatches:
        if "words" not in self.retrievers:
            return WordMatches(Ranking.empty())
        start = time.perf_counter()
        found = await view.words(query, filters, self.settings.words.limit)
        trace.since("words", start)
        return found

    async def _meaning(self, view: View, query: Query, filters: Filters, trace: Trace) -> Ranking:
        limit = self.settings.meaning.limit
        if "meaning" not in self.retrievers or limit == 0:
            return Ranking.empty()
        try:
            async with asyncio.timeout(self.settings.limits.stage_seconds):
                start = time.perf_counter()
                vector = await self._encode(view.encoder, query.normalized or query.text)
                trace.since("encode", start)
                start = time.perf_counter()
                found = await view.meaning(vector, filters, limit)
                # Named products are to be ordered, all of them, however far they are.
                if all(each.name != "id" for each in filters):
                    found = near_enough(found, self.settings.meaning.least_share)
                trace.since("meaning", start)
                return found
        except EncoderUnavailable:
            trace.fallbacks.append("no encoder: words only")
        except TimeoutError:
            trace.fallbacks.append("meaning took too long: words only")
        return Ranking.empty()

    async def _encode(self, encoder: str | None, text: str) -> Vector:
        return await asyncio.to_thread(lambda: self.encoders(encoder).encode([text])[0])

    async def _count(
        self,
        view: View,
        query: Query,
        filters: Filters,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
    ) -> tuple[int, tuple[Facet, ...], bool]:
        if request.facets == ():
            return len(found.fused), (), found.complete
        start = time.perf_counter()
        listed = found.fused.ordinals
        total, facets = await view.facets(query, filters, listed, request.facets)
        trace.since("facets", start)
        return total, facets, True

    async def _page(
        self,
        view: View,
        query: Query,
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
        variants = variant_counts(found.fused, view, ordinals) if request.group else {}
        hits = []
        for i, (product, score) in enumerate(zip(products, scores.tolist(), strict=True)):
            hit = Hit(product, offset + i + 1, score, variants=variants.get(int(ordinals[i]), 0))
            if request.highlight:
                hit = replace(hit, highlights=highlight(product, query.terms))
            if request.explain:
                hit = replace(hit, why=explain(int(ordinals[i]), found))
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
        found = await view.meaning(vector, (), size + 50)
        group = view.columns.codes("group")
        keep = found.ordinals != ordinal
        if group[ordinal] >= 0:
            keep &= group[found.ordinals] != group[ordinal]
        ranking = Ranking(found.ordinals[keep], found.scores[keep]).head(size)
        request = SearchRequest(query="", size=size)
        candidates = Candidates(ranking, {"meaning": ranking}, WordMatches(Ranking.empty()), True)
        hits = await self._page(view, Query(""), ranking, candidates, request, 0, trace)
        trace.since("total", trace.started)
        return SearchResponse(
            Query(""), hits, len(hits), True, view.version, "similar", timings=trace.timings
        )


def near_enough(ranking: Ranking, share: float) -> Ranking:
    """The part of a ranking by similarity that is at least `share` as similar as its best."""
    if not len(ranking):
        return ranking
    least = share * max(float(ranking.scores[0]), 0.0)
    return ranking.head(int(np.count_nonzero(ranking.scores >= least)))


def group_variants(ranking: Ranking, view: View) -> Ranking:
    """Keeps the best document of each variant group; documents without a group stay."""
    groups = view.columns.codes("group")[ranking.ordinals].astype(np.int64)
    alone = groups < 0
    groups[alone] = -1 - np.arange(alone.sum())
    _, first = np.unique(groups, return_index=True)
    first.sort()
    return Ranking(ranking.ordinals[first], ranking.scores[first])


def variant_counts(ranking: Ranking, view: View, page: Ordinals) -> dict[int, int]:
    """For each document of the page, how many others of its variant group were found."""
    column = view.columns.codes("group")
    found = column[ranking.ordinals]
    sizes = np.bincount(found[found >= 0]) if (found >= 0).any() else np.zeros(0, np.int64)
    return {int(o): int(sizes[column[o]]) - 1 for o in page if column[o] >= 0}


def explain(ordinal: int, found: Candidates) -> tuple[StageScore, ...]:
    """Where each stage placed the document."""
    rows = []
    for stage, ranking in (*found.stages.items(), ("fused", found.fused)):
        place = np.flatnonzero(ranking.ordinals == ordinal)
        if len(place):
            rows.append(StageScore(stage, int(place[0]) + 1, float(ranking.scores[place[0]])))
        else:
            rows.append(StageScore(stage, None, None))
    return tuple(rows)
