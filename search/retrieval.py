"""Candidates for a request: words and meaning, asked concurrently and merged.

The result set is the products that match the words, and those near enough in meaning. Both are
decided over the whole catalogue, and filters take away from them, so that the number beside a
facet's value is about what choosing it gives. When filters leave nothing, those understood from the
query are given up first; then both retrievers are relaxed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import numpy as np

from search import fallbacks
from search.boosting import boost
from search.candidates import Candidates
from search.encoding import query_vector, seen, vector_of
from search.errors import AisleError, BadInput, EngineUnavailable
from search.nearness import named, nearest
from search.order import in_order
from search.relaxing import attempts, misses_kind, understood
from search.resilience import Guard, hearing, remaining, stages, until
from search.seams import Encoder, Fusion, View
from search.settings import Settings
from search.trace import Trace
from search.types import Filters, Named, Ordinals, Query, Ranking, Sort, Vector, WordMatches

__all__ = ["Candidates", "Retrieval", "Trace"]

_TOO_LONG = "meaning took too long: words only"

Refine = Callable[[Query, Vector | None], Query]
"""What a query's vector adds to it; None when it has none."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Which retrievers are asked, and how their answers are merged."""

    encoders: Callable[[str | None], Encoder]
    """The encoder by name; raises EncoderUnavailable."""
    fusion: Fusion
    retrievers: frozenset[str]
    settings: Settings
    guard: Guard | None = None
    """Stands before the encoders."""

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
            encoding.add_done_callback(seen)

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
            async with asyncio.timeout(self._patience()):
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
        that is nowhere, something; then relaxes. When time or a server runs out on the way, the
        answer is what was found before."""
        other: tuple[Filters, Candidates] | None = None
        last: tuple[Filters, Candidates] | None = None
        for kept in attempts(wanted):
            filters = own + kept
            try:
                found = await self._attempt(
                    view, query, filters, sort, encoding, trace, relax=False
                )
            except EngineUnavailable:
                if last is None:
                    raise
                filters, found = other or last
                break
            last = filters, found
            if len(found.fused):
                if not (wanted and await misses_kind(view, query, found.fused)):
                    break
                other = other or (filters, found)
        else:
            if other is not None:
                filters, found = other
            elif filters and query.terms:
                with contextlib.suppress(EngineUnavailable):
                    near = found.near
                    found = await self._attempt(
                        view, query, filters, sort, encoding, trace, relax=True
                    )
                    found = replace(found, near=near, relaxed=True)
        dropped = tuple(each for each in query.filters if each not in filters)
        return replace(found, filters=filters, dropped=dropped)

    async def _usable(self, view: View, filters: Filters) -> Filters:
        """Those that this index can understand: a query never makes a request wrong."""
        usable = []
        for each in filters:
            with contextlib.suppress(BadInput):
                await view.facets_of(Ranking.empty().ordinals, (each,), ())
                usable.append(each)
        return tuple(usable)

    async def _boosted(self, view: View, found: Candidates, sort: Sort, trace: Trace) -> Candidates:
        if sort != "relevance" or not found.query.terms:
            return found
        start = time.perf_counter()

        async def named(query: Query) -> Named:
            return await self._named(view, query, trace)

        boosted = await boost(view, found.query, found.fused, named)
        if boosted is None:
            return found
        trace.since("boost", start)
        stages = {**found.stages, "fused": found.fused, "boosts": boosted.gains}
        return replace(found, fused=boosted.ranking, stages=stages, named=boosted.named)

    async def _named(self, view: View, query: Query, trace: Trace) -> Named:
        nobody = Ranking.empty().ordinals
        if isinstance(trace.failures.get("words"), EngineUnavailable):
            return Named(nobody, nobody)
        try:
            with until(stages.NAMED), hearing(trace.note):
                return await view.named(query)
        except EngineUnavailable as error:
            trace.away("named", fallbacks.NAMED, error)
            return Named(nobody, nobody)

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
            if "words" in trace.failures and _TOO_LONG in trace.fallbacks:
                trace.fallbacks.remove(_TOO_LONG)  # there is nothing else to answer by
                meaning, near = await self._meaning(view, filters, encoding, trace, relax)
            self._require_something(encoding, trace)
            return self._fuse(words, meaning, near, trace)
        words = await self._sorted(view, query, filters, sort, trace, relax)
        if len(words.ranking) or not query.terms:
            complete = len(words.ranking) < self.settings.limits.page_depth
            return Candidates(words.ranking, {"words": words.ranking}, words, complete)
        meaning, near = await self._meaning(view, filters, encoding, trace, relax)
        self._require_something(encoding, trace)
        ordered = Ranking(
            in_order(meaning.ordinals, sort, view.columns), np.zeros_like(meaning.scores)
        )
        return Candidates(ordered, {"meaning": meaning}, words, trace.exact, near)

    def _require_something(self, encoding: asyncio.Future[Vector | None], trace: Trace) -> None:
        """Raises what went wrong when nothing could be asked."""
        words, meaning = (trace.failures.get(name) for name in ("words", "meaning"))
        there = meaning is None and _TOO_LONG not in trace.fallbacks
        if words is not None and not (there and vector_of(encoding) is not None):
            raise words
        if meaning is not None and "words" not in self.retrievers:
            raise meaning

    def _fuse(
        self, words: WordMatches, meaning: Ranking, near: Ordinals, trace: Trace
    ) -> Candidates:
        start = time.perf_counter()
        stages = {"words": words.ranking, "meaning": meaning}
        asked = {name: stages[name] for name in stages if name in self.retrievers}
        fused = self.fusion(asked, max(self.settings.fusion.limit, *map(len, asked.values())))
        trace.since("fuse", start)
        limits = self.settings.words.limit, self.settings.fusion.limit
        complete = len(words.ranking) < limits[0] and len(fused) < limits[1] and trace.exact
        return Candidates(fused, asked, words, complete, near)

    async def _sorted(
        self, view: View, query: Query, filters: Filters, sort: Sort, trace: Trace, relax: bool
    ) -> WordMatches:
        limit = self.settings.limits.page_depth
        if not query.terms:  # nothing is asked of a server
            start = time.perf_counter()
            browsed = await view.sorted_words(query, filters, sort, limit, relax)
            trace.since("words", start)
            return browsed
        return await self._matching(
            lambda: view.sorted_words(query, filters, sort, limit, relax), trace
        )

    async def _words(
        self, view: View, query: Query, filters: Filters, trace: Trace, relax: bool
    ) -> WordMatches:
        if "words" not in self.retrievers:
            return WordMatches(Ranking.empty())
        limit = max(self.settings.words.limit, named(filters))
        try:
            return await self._matching(lambda: view.words(query, filters, limit, relax), trace)
        except AisleError:
            raise
        except Exception as error:
            trace.failed("words", "meaning", error)
            return WordMatches(Ranking.empty())

    async def _matching(
        self, ask: Callable[[], Awaitable[WordMatches]], trace: Trace
    ) -> WordMatches:
        """What matches the words; nothing where they are away, which is waited for once and not
        with every attempt."""
        start = time.perf_counter()
        if isinstance(trace.failures.get("words"), EngineUnavailable):
            return WordMatches(Ranking.empty())
        try:
            with until(stages.CANDIDATES), hearing(trace.note):
                return await ask()
        except EngineUnavailable as error:
            trace.away("words", fallbacks.WORDS, error)
            return WordMatches(Ranking.empty())
        finally:
            trace.since("words", start)

    async def _encode(self, view: View, query: Query, trace: Trace) -> Vector | None:
        if "meaning" not in self.retrievers or not self.settings.meaning.limit:
            return None
        seconds = self.settings.limits.stage_seconds
        return await query_vector(view, query, self.encoders, self.guard, seconds, trace)

    def _patience(self, share: float = stages.CANDIDATES) -> float:
        """The seconds that meaning may take."""
        with until(share):
            return remaining(self.settings.limits.stage_seconds)

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
            # Words have had their time, and without them meaning has the model's too.
            share = stages.RANKED if "words" in trace.failures else stages.CANDIDATES
            async with asyncio.timeout(self._patience(share)):
                vector = await asyncio.shield(encoding)
                if vector is None:
                    return nothing, nothing.ordinals
                start = time.perf_counter()
                found = await nearest(view, vector, filters, self.settings.meaning, relax)
                trace.since("meaning", start)
                return found
        except TimeoutError:
            trace.fallbacks.append(_TOO_LONG)
        except AisleError:
            raise
        except Exception as error:
            trace.failed("meaning", "words", error)
        return nothing, nothing.ordinals
