"""Candidates for a request: words and meaning, asked concurrently and merged.

The result set is the products that match the words, and those near enough in meaning. Both are
decided over the whole catalogue, and filters take away from them, so that the number beside a
facet's value is about what choosing it gives. When filters leave nothing, those understood from the
query are given up first; then both retrievers are relaxed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from search.boosting import boost
from search.errors import AisleError, BadInput, EncoderUnavailable
from search.order import in_order
from search.relaxing import attempts, misses_kind, understood
from search.seams import Encoder, Fusion, Ranker, View
from search.settings import Settings
from search.types import Filters, Ordinals, Query, Ranked, Ranking, Sort, Vector, WordMatches

_log = logging.getLogger(__name__)

_TOO_LONG = "meaning took too long: words only"

Refine = Callable[[Query, Vector | None], Query]
"""What a query's vector adds to it; None when it has none."""


@dataclass(slots=True)
class Trace:
    """What one request spent and where it fell back; the pipeline's only mutable value."""

    started: float = field(default_factory=time.perf_counter)
    timings: dict[str, float] = field(default_factory=dict)
    fallbacks: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)

    def since(self, stage: str, start: float) -> None:
        """Notes the milliseconds a stage took, from its `time.perf_counter()` start."""
        self.timings[stage] = self.timings.get(stage, 0.0) + (time.perf_counter() - start) * 1000

    def failed(self, stage: str, instead: str, error: Exception) -> None:
        """Notes that another stage stands in for one that failed, which is logged."""
        if stage not in self.failures:
            _log.error("%s failed; answering by %s", stage, instead, exc_info=error)
            self.fallbacks.append(f"{stage} failed: {instead} only")
        self.failures[stage] = error


@dataclass(frozen=True, slots=True)
class Candidates:
    """The result set's best part: the fused order and each retriever's own ranking.

    `complete` says whether `fused` is the whole result set; `near` are the products near in
    meaning whatever the filters, for counting facets; `relaxed` whether filters left nothing and
    fewer words, or any distance in meaning, were accepted instead. `query` is what was understood
    once the vector was known, `filters` those applied, `dropped` those that were understood and
    given up, `vector` the query's, `named` the products that a query names outright. `ranked` is
    what a model made of them, once one has, and `ranker` that model.
    """

    fused: Ranking
    stages: Mapping[str, Ranking]
    words: WordMatches
    complete: bool
    near: Ordinals = field(default_factory=lambda: Ranking.empty().ordinals)
    relaxed: bool = False
    query: Query = field(default_factory=lambda: Query(""))
    filters: Filters = ()
    dropped: Filters = ()
    vector: Vector | None = None
    named: Ordinals = field(default_factory=lambda: Ranking.empty().ordinals)
    ranked: Ranked | None = None
    ranker: Ranker | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Which retrievers are asked, and how their answers are merged."""

    encoders: Callable[[str | None], Encoder]
    """The encoder by name; raises EncoderUnavailable."""
    fusion: Fusion
    retrievers: frozenset[str]
    settings: Settings

    async def find(
        self,
        view: View,
        query: Query,
        own: Filters,
        sort: Sort,
        trace: Trace,
        refine: Refine | None,
    ) -> Candidates:
        """The candidates within the shopper's `own` filters and the query's, relaxed if filters
        leave nothing; sorted requests take every match of the words, in the order asked, and
        products near in meaning only when no word matches.

        Raises:
            BadInput: one of the shopper's own filters is wrong.
        """
        encoding = asyncio.ensure_future(self._encode(view, query, trace))
        refining = asyncio.ensure_future(self._refined(query, encoding, refine, trace))
        try:
            found = await self._settle(view, query, own, sort, encoding, trace)
            found = replace(found, query=await refining, vector=vector_of(encoding))
            return await self._boosted(view, found, sort, trace)
        finally:
            refining.cancel()
            if not encoding.cancel() and not encoding.cancelled():
                encoding.exception()  # seen; when words alone refuse a request, nobody else looks

    async def _refined(
        self,
        query: Query,
        encoding: asyncio.Future[Vector | None],
        refine: Refine | None,
        trace: Trace,
    ) -> Query:
        """What the vector adds to the query, while the products near it are looked for."""
        vector = None
        if refine is None:
            return query
        # What went wrong with the vector is told where it is searched with.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self.settings.limits.stage_seconds):
                vector = await asyncio.shield(encoding)
        start = time.perf_counter()
        refined = refine(query, vector)
        trace.since("understand", start)
        return refined

    async def _settle(
        self,
        view: View,
        query: Query,
        own: Filters,
        sort: Sort,
        encoding: asyncio.Future[Vector | None],
        trace: Trace,
    ) -> Candidates:
        """As `_within`, without those of the query's filters that this index has not."""
        wanted = understood(query, own)
        try:
            return await self._within(view, query, own, wanted, sort, encoding, trace)
        except BadInput:
            usable = await self._usable(view, wanted)
            if usable == wanted:
                raise
            return await self._within(view, query, own, usable, sort, encoding, trace)

    async def _within(
        self,
        view: View,
        query: Query,
        own: Filters,
        wanted: Filters,
        sort: Sort,
        encoding: asyncio.Future[Vector | None],
        trace: Trace,
    ) -> Candidates:
        """Gives up as few of the wanted filters as leaves something of the kind asked for, or if
        that is nowhere, something; then relaxes."""
        other: tuple[Filters, Candidates] | None = None
        for kept in attempts(wanted):
            filters = own + kept
            found = await self._attempt(view, query, filters, sort, encoding, trace, relax=False)
            if len(found.fused):
                if not (wanted and await misses_kind(view, query, found.fused)):
                    break
                other = other or (filters, found)
        else:
            if other is not None:
                filters, found = other
            elif filters and query.terms:
                near = found.near
                found = await self._attempt(view, query, filters, sort, encoding, trace, relax=True)
                found = replace(found, near=near, relaxed=True)
        dropped = tuple(each for each in query.filters if each not in filters)
        return replace(found, filters=filters, dropped=dropped)

    async def _usable(self, view: View, filters: Filters) -> Filters:
        """Those that this index can understand: a query never makes a request wrong."""
        usable = []
        for each in filters:
            with contextlib.suppress(BadInput):
                await view.facets(None, (each,), Ranking.empty().ordinals, ())
                usable.append(each)
        return tuple(usable)

    async def _boosted(self, view: View, found: Candidates, sort: Sort, trace: Trace) -> Candidates:
        if sort != "relevance" or not found.query.terms:
            return found
        start = time.perf_counter()
        boosted = await boost(view, found.query, found.fused)
        if boosted is None:
            return found
        trace.since("boost", start)
        stages = {**found.stages, "fused": found.fused, "boosts": boosted.gains}
        return replace(found, fused=boosted.ranking, stages=stages, named=boosted.named)

    async def _attempt(
        self,
        view: View,
        query: Query,
        filters: Filters,
        sort: Sort,
        encoding: asyncio.Future[Vector | None],
        trace: Trace,
        *,
        relax: bool,
    ) -> Candidates:
        if sort == "relevance" and query.terms:
            words, (meaning, near) = await asyncio.gather(
                self._words(view, query, filters, trace, relax),
                self._meaning(view, filters, encoding, trace, relax),
            )
            if len(trace.failures) >= len(self.retrievers):
                raise next(iter(trace.failures.values()))
            return self._fuse(words, meaning, near, trace)
        words = await self._sorted(view, query, filters, sort, trace, relax)
        if len(words.ranking) or not query.terms:
            complete = len(words.ranking) < self.settings.limits.page_depth
            return Candidates(words.ranking, {"words": words.ranking}, words, complete)
        meaning, near = await self._meaning(view, filters, encoding, trace, relax)
        ordered = Ranking(
            in_order(meaning.ordinals, sort, view.columns), np.zeros_like(meaning.scores)
        )
        return Candidates(ordered, {"meaning": meaning}, words, True, near)

    def _fuse(
        self, words: WordMatches, meaning: Ranking, near: Ordinals, trace: Trace
    ) -> Candidates:
        start = time.perf_counter()
        stages = {"words": words.ranking, "meaning": meaning}
        asked = {name: stages[name] for name in stages if name in self.retrievers}
        fused = self.fusion(asked, max(self.settings.fusion.limit, *map(len, asked.values())))
        trace.since("fuse", start)
        limits = self.settings.words.limit, self.settings.fusion.limit
        complete = len(words.ranking) < limits[0] and len(fused) < limits[1]
        return Candidates(fused, asked, words, complete, near)

    async def _sorted(
        self, view: View, query: Query, filters: Filters, sort: Sort, trace: Trace, relax: bool
    ) -> WordMatches:
        start = time.perf_counter()
        limit = self.settings.limits.page_depth
        found = await view.sorted_words(query, filters, sort, limit, relax)
        trace.since("words", start)
        return found

    async def _words(
        self, view: View, query: Query, filters: Filters, trace: Trace, relax: bool
    ) -> WordMatches:
        if "words" not in self.retrievers:
            return WordMatches(Ranking.empty())
        start = time.perf_counter()
        limit = max(self.settings.words.limit, named(filters))
        try:
            found = await view.words(query, filters, limit, relax)
        except AisleError:
            raise
        except Exception as error:
            trace.failed("words", "meaning", error)
            return WordMatches(Ranking.empty())
        trace.since("words", start)
        return found

    async def _meaning(
        self,
        view: View,
        filters: Filters,
        encoding: asyncio.Future[Vector | None],
        trace: Trace,
        relax: bool,
    ) -> tuple[Ranking, Ordinals]:
        """The nearest products within the filters, and those without."""
        nothing = Ranking.empty()
        if _TOO_LONG in trace.fallbacks:  # waited for once, not with every attempt
            return nothing, nothing.ordinals
        try:
            async with asyncio.timeout(self.settings.limits.stage_seconds):
                vector = await asyncio.shield(encoding)
                if vector is None:
                    return nothing, nothing.ordinals
                start = time.perf_counter()
                found = await self._nearest(view, vector, filters, relax)
                trace.since("meaning", start)
                return found
        except TimeoutError:
            trace.fallbacks.append(_TOO_LONG)
        except AisleError:
            raise
        except Exception as error:
            trace.failed("meaning", "words", error)
        return nothing, nothing.ordinals

    async def _nearest(
        self, view: View, vector: Vector, filters: Filters, relax: bool
    ) -> tuple[Ranking, Ordinals]:
        limit, share = self.settings.meaning.limit, self.settings.meaning.least_share
        if named(filters):
            found = await view.meaning(vector, filters, max(limit, named(filters)))
            return found, found.ordinals
        everywhere = await view.meaning(vector, (), limit)
        least = share * float(everywhere.scores[0]) if len(everywhere) else 0.0
        near = at_least(everywhere, least)
        if not filters:
            return near, near.ordinals
        within = await view.meaning(vector, filters, limit)
        return within if relax else at_least(within, least), near.ordinals

    async def _encode(self, view: View, query: Query, trace: Trace) -> Vector | None:
        if "meaning" not in self.retrievers or not self.settings.meaning.limit or not query.terms:
            return None
        start = time.perf_counter()
        text = query.encoded or query.corrected or query.normalized or query.text
        try:
            encoded: Vector = await asyncio.to_thread(
                lambda: self.encoders(view.encoder).encode([text])[0]
            )
        except EncoderUnavailable:
            trace.fallbacks.append("no encoder: words only")
            return None
        trace.since("encode", start)
        return encoded


def vector_of(encoding: asyncio.Future[Vector | None]) -> Vector | None:
    """The vector, if it came in time."""
    if not encoding.done() or encoding.cancelled() or encoding.exception() is not None:
        return None
    return encoding.result()


def named(filters: Filters) -> int:
    """How many products the filters name by id: all of them are to be ordered, however far they
    are."""
    return sum(len(each.values) for each in filters if each.name == "id" and not each.exclude)


def at_least(ranking: Ranking, score: float) -> Ranking:
    """The part of a ranking that scores `score` or more."""
    return ranking.head(int(np.count_nonzero(ranking.scores >= score)))
