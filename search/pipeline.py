"""The online path: a request becomes a response, stage by stage.

A stage that fails or outlives its deadline is replaced by its stated fallback, and the response
names it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from search import fallbacks
from search.arranging import Arranged, ArrangingStage, Turn, as_ranked
from search.cursor import Cursor, decode_cursor, encode_cursor, fingerprint
from search.errors import BadInput, EngineUnavailable, NotFound
from search.exploring import ExploringStage
from search.highlight import highlight
from search.interleaving import InterleavingStage, Sides
from search.ranking import RankingStage, model_used, scored
from search.reading import ReadingStage
from search.resilience import hearing, stages, until
from search.results import explain, variant_counts, without_variants
from search.retrieval import Candidates, Retrieval, Trace
from search.seams import Engine, View
from search.settings import Settings
from search.types import (
    UNTREATED,
    Facet,
    Hit,
    Query,
    Ranking,
    Relaxation,
    SearchRequest,
    SearchResponse,
    Teams,
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
    reading: ReadingStage | None = None
    arranging: ArrangingStage | None = None
    exploring: ExploringStage | None = None

    async def search(
        self, request: SearchRequest, interleaving: InterleavingStage | None = None
    ) -> SearchResponse:
        """Answers one request; with `interleaving`, together with other systems.

        Raises:
            BadInput: the request cannot be answered as asked.
            IndexMissing: nothing is indexed yet.
        """
        trace = Trace()
        cursor = decode_cursor(request.cursor, request) if request.cursor else None
        if cursor is not None and not request.id:
            request = replace(request, id=cursor.id)
        view = await self.engine.view(cursor.version if cursor else None)
        if cursor is not None and cursor.version != view.version:
            trace.note(fallbacks.CHANGED)
        offset = cursor.offset if cursor else 0
        turn = self.arranging.turn(request, cursor) if self.arranging is not None else None
        sides: Sides | None = None
        if interleaving is None:
            found = await self.ranked(view, request, trace, turn, cursor)
            versions: tuple[str, ...] = (found.order,)
        else:
            asked = cursor.model.split(",") if cursor else None
            found, sides, versions = await interleaving.ranked(view, request, trace, turn, asked)
        arranged = await self._arranged(view, found, request, trace, turn)
        drawn = None
        # Coins are enough chance for one list.
        if self.exploring is not None and sides is None:
            arranged, drawn = await self.exploring.explore(view, arranged, request, trace)
        found = arranged.found
        total, facets, exact = await self._count(view, arranged, request, trace)
        hits = await self.page(view, arranged, request, offset, trace)
        trace.since("total", trace.started)
        return SearchResponse(
            query=found.query,
            hits=hits,
            total=total,
            total_exact=exact,
            version=view.version,
            system=self.name,
            relaxation=self._relaxation(arranged),
            dropped=found.dropped,
            fallbacks=tuple(trace.fallbacks),
            facets=facets,
            cursor=self._next(view, arranged, request, turn, offset + len(hits), versions),
            timings=trace.timings,
            model=model_used(found),
            reader=found.reader,
            rules=arranged.effects.rules,
            redirect=arranged.effects.redirect,
            id=request.id,
            exploration=drawn.method if drawn else "",
            propensities=drawn.at(offset, len(hits)) if drawn else (),
            list_propensity=drawn.probability if drawn else 1.0,
            treatment=request.treatment,
            teams=_teams(arranged, sides, offset, len(hits)),
        )

    async def arranged(
        self,
        view: View,
        request: SearchRequest,
        trace: Trace,
        turn: Turn | None = None,
        cursor: Cursor | None = None,
    ) -> Arranged:
        """The candidates in the order to show: retrieved, ranked, arranged.

        Raises:
            BadInput: the request cannot be answered as asked.
        """
        found = await self.ranked(view, request, trace, turn, cursor)
        return await self._arranged(view, found, request, trace, turn)

    async def ranked(
        self,
        view: View,
        request: SearchRequest,
        trace: Trace,
        turn: Turn | None = None,
        cursor: Cursor | None = None,
    ) -> Candidates:
        """The candidates in the model's order.

        Raises:
            BadInput: the request cannot be answered as asked.
        """
        found = await self.candidates(view, request, trace, turn)
        return await self.reranked(view, found, request, trace, cursor.model if cursor else None)

    async def reranked(
        self,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
        version: str | None = None,
    ) -> Candidates:
        """Candidates in the model's order, the best as they were read; `version` is how earlier
        pages were ordered (`Candidates.order`)."""
        if self.ranking is not None:
            found = await self.ranking.rank(view, found, request, trace, version)
        if self.reading is not None:
            before = found.fused
            found = await self.reading.read(view, found, request, trace, version)
            found = replace(found, unmoved=before)
        return found

    async def _arranged(
        self,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
        turn: Turn | None,
    ) -> Arranged:
        if self.arranging is not None and turn is not None:
            return await self.arranging.arrange(view, found, turn, trace)
        return as_ranked(found, request, view)

    async def candidates(
        self, view: View, request: SearchRequest, trace: Trace, turn: Turn | None = None
    ) -> Candidates:
        """What there is to rank: the query understood, and what both retrievers find for it; with a
        `turn`, within the filters of its rules.

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
        own = request.filters
        if self.arranging is not None and turn is not None:
            own += await self.arranging.filters(view, query, turn, trace)
        return await self.retrieval.find(view, query, own, request.sort, trace, refine)

    def _relaxation(self, arranged: Arranged) -> Relaxation:
        found = arranged.found
        asked = "words" in self.retrieval.retrievers and found.query.terms
        if asked and len(found.fused) > arranged.added and not len(found.words.ranking):
            return "meaning_only"
        return found.words.relaxation

    async def _count(
        self,
        view: View,
        arranged: Arranged,
        request: SearchRequest,
        trace: Trace,
    ) -> tuple[int, tuple[Facet, ...], bool]:
        found = arranged.found
        if request.facets == ():
            return len(found.fused), (), found.complete and trace.exact
        start = time.perf_counter()
        # What the words found need not be named: it matches them.
        near = found.stages.get("meaning", Ranking.empty())
        also = np.union1d(found.near, near.ordinals)
        by_words = "words" in self.retrieval.retrievers or not found.query.terms
        query = found.query if by_words else None
        try:
            with until(stages.FACETS), hearing(trace.note):
                if isinstance(away := trace.failures.get("words"), EngineUnavailable):
                    raise away  # its counts are where its words are
                total, facets = await view.facets(
                    query, found.filters, also, request.facets, found.relaxed
                )
        except EngineUnavailable as error:
            trace.away("facets", fallbacks.FACETS, error)
            known = np.union1d(also, found.fused.ordinals)
            total, facets = (
                len(found.fused),
                await view.facets_of(known, found.filters, request.facets),
            )
        finally:
            trace.since("facets", start)
        return total + arranged.outside, facets, trace.exact

    async def page(
        self,
        view: View,
        arranged: Arranged,
        request: SearchRequest,
        offset: int,
        trace: Trace,
    ) -> tuple[Hit, ...]:
        """The hits from `offset` on, as many as the request asks for."""
        start = time.perf_counter()
        ranking, found = arranged.ranking, arranged.found
        page = slice(offset, offset + request.size)
        ordinals, scores = ranking.ordinals[page], ranking.scores[page]
        products = await view.products(ordinals)
        reasons = await scored(found, ordinals, request.explain, trace)
        variants = variant_counts(found.fused, view.columns, ordinals) if request.group else {}
        stages = {**found.stages, "fused": found.stages.get("fused", found.fused)}
        words = searched_words(found.query) if request.highlight else ()
        found_at = zip(products, ordinals.tolist(), scores.tolist(), strict=True)
        hits = [
            Hit(
                product,
                position,
                score,
                highlights=highlight(product, words) if request.highlight else {},
                variants=variants.get(ordinal, 0),
                why=explain(ordinal, stages) if request.explain else (),
                sponsored=arranged.sponsored(ordinal),
                moves=arranged.moves(ordinal) if request.explain else (),
                before=arranged.before(ordinal) if request.explain else None,
                behind=arranged.behind(position) if request.explain else 0,
                reading=arranged.reading(ordinal) if request.explain else None,
                scored=reasons.get(ordinal),
            )
            for position, (product, ordinal, score) in enumerate(found_at, offset + 1)
        ]
        trace.since("page", start)
        return tuple(hits)

    def _next(
        self,
        view: View,
        arranged: Arranged,
        request: SearchRequest,
        turn: Turn | None,
        offset: int,
        versions: tuple[str, ...],
    ) -> str | None:
        available = min(len(arranged.ranking), self.settings.limits.page_depth)
        if offset >= available or request.size == 0:
            return None
        treated = request.treatment is not UNTREATED and request.treatment != UNTREATED
        cursor = Cursor(
            view.version,
            offset,
            fingerprint(request),
            ",".join(versions),
            turn.rules.version if turn is not None else "",
            turn.moment if turn is not None else 0.0,
            turn.page if turn is not None else 0,
            request.id,
            request.treatment if treated else None,
        )
        return encode_cursor(cursor)

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
        ranking = without_variants(near, view.columns, ordinal).head(size)
        request = SearchRequest(query="", size=size)
        found = Candidates(ranking, {"meaning": ranking}, WordMatches(Ranking.empty()), True)
        hits = await self.page(view, Arranged(found, ranking), request, 0, trace)
        trace.since("total", trace.started)
        return SearchResponse(
            Query(""), hits, len(hits), True, view.version, "similar", timings=trace.timings
        )


def _teams(arranged: Arranged, sides: Sides | None, offset: int, count: int) -> Teams | None:
    """Whom the hits of a page stand for: nobody where rules put them."""
    if sides is None:
        return None
    return sides.of(arranged.ranking.ordinals[offset : offset + count], arranged.placed)


def searched_words(query: Query) -> tuple[str, ...]:
    """The query's words and those that may stand for them."""
    instead = (word for each in query.alternatives for word in each.instead)
    return tuple(dict.fromkeys((*query.terms, *instead)))
