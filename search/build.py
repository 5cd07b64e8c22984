"""The assembler: settings become pipelines. With `search/parts.py` the only module that knows every
part of the online path."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from query.registry import REFINERS, REWRITERS
from query.text import words
from query.understanding import Understanding
from rankers.diversity import diversify
from rankers.holder import ModelHolder
from rankers.rules import RuleBook
from search.arranging import ArrangingStage
from search.cursor import decode_cursor
from search.encoder import open_encoder
from search.encoders import Encoders
from search.engines import ENGINES
from search.errors import BadInput, EncoderUnavailable
from search.fusion import FUSIONS
from search.interleaving import InterleavingStage
from search.parts import (
    Readers,
    analyze,
    exploring,
    familiar,
    fixed_ranking,
    follow_models,
    follow_rules,
    open_ranker,
    try_ranker,
)
from search.pipeline import Pipeline
from search.ranking import RankingStage
from search.reader import Reader
from search.resilience import Guard
from search.retrieval import Retrieval
from search.seams import Encoder, Engine, Rules
from search.settings import Settings, SystemSettings
from search.shared_vectors import shared
from search.systems import HYBRID, LTR, MODEL, RANKED, RAW, SYSTEMS, FixedModel, FixedRules
from search.types import UNTREATED, SearchRequest, SearchResponse
from search.understandings import Understandings

__all__ = [
    "HYBRID",
    "LTR",
    "MODEL",
    "RANKED",
    "RAW",
    "SYSTEMS",
    "FixedModel",
    "FixedRules",
    "Parts",
    "Search",
    "analyze",
    "exploring",
    "familiar",
    "follow_rules",
    "open_ranker",
    "open_search",
    "try_ranker",
]


@dataclass(frozen=True, slots=True)
class Search:
    """A running search: every system over one engine."""

    engine: Engine
    systems: Mapping[str, Pipeline]
    settings: Settings
    models: ModelHolder
    rules: RuleBook
    encoders: Encoders
    guard: Guard | None = None
    """Stands before the encoders."""
    readers: Mapping[str, Reader] = field(default_factory=dict)
    """The cross-encoders in use, by name."""

    @property
    def query_cache(self) -> tuple[int, int]:
        """How many query vectors were looked for in memory, and how many were there."""
        return self.encoders.cache_counts

    @property
    def reading_fault(self) -> str | None:
        """Why cross-encoders in use cannot be opened; None when they can."""
        return "; ".join(filter(None, (each.fault for each in self.readers.values()))) or None

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Answers with the system the request names, or as experiments decide, or with the one
        that is used when neither does.

        Raises:
            BadInput: no such system, or the request cannot be answered as asked.
        """
        request = self._treated(request)
        return await self.system(request).search(request, self._interleaving(request))

    def _treated(self, request: SearchRequest) -> SearchRequest:
        """With the treatment of the first page; without one that systems are missing for, or that
        the request's own choice of a system leaves no room for."""
        treatment = request.treatment
        if request.cursor:
            treatment = decode_cursor(request.cursor, request).treatment or UNTREATED
        plan = treatment.interleaving
        needed = plan.systems if plan else (treatment.system or HYBRID,)
        if request.system is not None or any(name not in self.systems for name in needed):
            treatment = UNTREATED
        same = treatment is request.treatment
        return request if same else replace(request, treatment=treatment)

    def _interleaving(self, request: SearchRequest) -> InterleavingStage | None:
        plan = request.treatment.interleaving
        if plan is None:
            return None
        from eval.interleaving import INTERLEAVERS  # only where systems are compared

        pipelines = [self.systems[name] for name in plan.systems]
        return InterleavingStage(plan, pipelines, INTERLEAVERS[plan.method])

    def system(self, request: SearchRequest) -> Pipeline:
        """The system that answers a request, with several the first. A later page is answered by
        that of the first.

        Raises:
            BadInput: no such system, or the cursor is none.
        """
        plan = request.treatment.interleaving
        name = request.system or (plan.systems[0] if plan else request.treatment.system)
        if name is None:
            cursor = decode_cursor(request.cursor, request) if request.cursor else None
            ranked = cursor.model if cursor else self.models.current()
            name = RANKED if ranked or self.settings.ranking.cross_encoder else HYBRID
        if name not in self.systems:
            known = ", ".join(sorted(self.systems))
            raise BadInput(f"unknown system {name!r}; known are {known}", field="system")
        return self.systems[name]

    async def with_model(self, name: str, path: Path | None = None) -> Search:
        """The same search with one more system: `ranked` by the model of a file, which is `path`,
        or named by `ltr:FILE`. Any other name without a path changes nothing. For operators: it
        opens whatever file is named.

        Raises:
            NotFound, BadInput: the model cannot be used; says why.
        """
        if name in self.systems or not (path or name.startswith(LTR)):
            return self
        stage = await fixed_ranking(self.engine, self.settings, path or Path(name[len(LTR) :]))
        system = replace(self.systems[RANKED], name=name, ranking=stage)
        return replace(self, systems={**self.systems, name: system})

    async def preview(self, request: SearchRequest, rules: Rules, moment: float) -> SearchResponse:
        """What a request would be answered under other rules, at some moment in seconds since 1970.

        Raises:
            BadInput: as `search`, or the system heeds no rules.
        """
        system = self.system(request)
        if system.arranging is None:
            raise BadInput(f"the system {system.name} heeds no rules; name another", field="system")
        stage = replace(system.arranging, rules=FixedRules(rules), clock=lambda: moment)
        return await replace(system, arranging=stage).search(request)

    async def similar(self, product_id: str, size: int = 10) -> SearchResponse:
        """Products nearest in meaning to one."""
        return await self.systems["hybrid"].similar(product_id, size)

    async def close(self) -> None:
        """Stops the background work."""
        await self.models.close()
        for reader in self.readers.values():
            await reader.close()
        if self.guard is not None:
            await self.guard.close()
        await self.engine.close()


@dataclass(frozen=True, slots=True)
class Parts:
    """What systems are made of and share."""

    engine: Engine
    encoders: Encoders
    models: ModelHolder
    rules: RuleBook
    guard: Guard
    """Stands before the encoders."""
    readers: Readers

    def system(
        self,
        settings: Settings,
        name: str,
        base: str,
        understandings: Understandings,
        *,
        reads: bool = False,
    ) -> Pipeline:
        """One of `SYSTEMS`, under these settings; `reads` if a cross-encoder that they name is for
        this one too, which is not `ranked`."""
        return Pipeline(
            name=name,
            engine=self.engine,
            understandings=understandings,
            retrieval=Retrieval(
                encoders=self.encoders,
                fusion=FUSIONS[settings.fusion.method](settings.fusion),
                retrievers=SYSTEMS[base],
                settings=settings,
                guard=self.guard,
            ),
            settings=settings,
            ranking=RankingStage(self.models, settings) if base == RANKED else None,
            reading=self.readers.stage(settings) if reads or base == RANKED else None,
            arranging=ArrangingStage(self.rules, diversify, settings),
            exploring=exploring(settings),
        )

    async def variant(
        self, settings: Settings, name: str, like: Mapping[str, Pipeline]
    ) -> Pipeline:
        """One that the settings name.

        Raises:
            NotFound, BadInput: its model cannot be used; says why.
        """
        chosen = settings.systems[name]
        own = varied(settings, chosen)
        base = like[chosen.base]
        same = own.understanding == settings.understanding
        system = self.system(
            own,
            name,
            chosen.base,
            base.understandings if same else understood(own),
            reads=chosen.ranking is not None and "cross_encoder" in chosen.ranking.model_fields_set,
        )
        if own.fusion == settings.fusion:
            # What is one object is done once where systems answer together.
            system = replace(system, retrieval=base.retrieval)
        if chosen.model is not None:
            path = settings.data / chosen.model
            system = replace(system, ranking=await fixed_ranking(self.engine, own, path))
        return system


def varied(settings: Settings, chosen: SystemSettings) -> Settings:
    """The settings of a system: the shop's own, but for what its table says."""
    tables = ("fusion", "ranking", "diversity", "understanding", "exploration")
    given = {
        name: getattr(settings, name).model_copy(update=table.model_dump(exclude_unset=True))
        for name in tables
        if (table := getattr(chosen, name)) is not None
    }
    return settings.model_copy(update=given)


def understood(settings: Settings) -> Understandings:
    """How queries are understood."""
    settled = settings.understanding
    without = settled.without if settled.enabled else tuple(REWRITERS) + tuple(REFINERS)
    return Understandings(partial(Understanding.open, without=without), words)


async def open_search(settings: Settings, *, query_cache: int = 0) -> Search:
    """Opens the index in `settings.data` and assembles every system over it. `query_cache` is the
    number of query vectors kept in memory; without any, nor is what is read. Without its encoder an
    index is searched by words.

    Raises:
        IndexMissing, IndexCorrupt: there is nothing (sound) to serve.
    """
    engine = ENGINES[settings.engine](settings)

    def opened(name: str) -> Encoder:
        encoder = open_encoder(settings.data, name)
        return shared(encoder, settings.redis) if query_cache else encoder

    encoders = Encoders(opened, query_cache)
    try:
        view = await engine.view()
        with contextlib.suppress(EncoderUnavailable):
            await asyncio.to_thread(encoders, view.encoder)
    except BaseException:
        await engine.close()
        raise
    models = follow_models(settings, engine)
    await models.refresh()
    models.watch()
    rules = await asyncio.to_thread(follow_rules, settings)
    guard = encoder_guard(engine, encoders, settings)
    parts = Parts(engine, encoders, models, rules, guard, Readers(settings, query_cache > 0))
    try:
        systems = await _systems(parts, settings)
        readers = parts.readers.opened
        await asyncio.gather(*(reader.open() for reader in readers.values()))
    except BaseException:
        for reader in parts.readers.opened.values():
            await reader.close()
        await models.close()
        await engine.close()
        raise
    await asyncio.to_thread(systems[HYBRID].understandings.of, view)
    return Search(engine, systems, settings, models, rules, encoders, guard, readers)


def encoder_guard(engine: Engine, encoders: Encoders, settings: Settings) -> Guard:
    """What stands before the encoders. One that an index has not, or that cannot be opened, says so
    at once by itself."""

    async def probe() -> None:
        view = await engine.view()
        async with asyncio.timeout(settings.limits.stage_seconds):
            await asyncio.to_thread(lambda: encoders(view.encoder).encode(["shoes"]))

    return Guard(
        "encoder",
        probe,
        EncoderUnavailable,
        at_once=settings.limits.concurrency,
        wait_seconds=settings.limits.stage_seconds,
        harmless=lambda error: isinstance(error, EncoderUnavailable),
    )


async def _systems(parts: Parts, settings: Settings) -> dict[str, Pipeline]:
    own, raw = understood(settings), Understandings(lambda _: Understanding(), words)
    systems = {name: parts.system(settings, name, name, own) for name in SYSTEMS}
    retrieval = systems[HYBRID].retrieval
    systems[RANKED] = replace(systems[RANKED], retrieval=retrieval)
    for name in SYSTEMS:
        system = parts.system(settings, name + RAW, name, raw)
        systems[name + RAW] = replace(system, arranging=None, exploring=None)
    for name in settings.systems:
        systems[name] = await parts.variant(settings, name, systems)
    return systems
