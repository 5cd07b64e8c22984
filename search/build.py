"""The assembler: settings become pipelines. The only module that knows every part of the online
path."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from query.registry import REFINERS, REWRITERS
from query.stem import stems
from query.text import words
from query.understanding import Understanding
from rankers.exploration import Swap, Thompson
from rankers.holder import ModelHolder
from rankers.rules import RuleBook, parse_rules
from search.arranging import ArrangingStage
from search.cursor import decode_cursor
from search.encoder import open_encoder
from search.encoders import Encoders
from search.engines import ENGINES
from search.errors import BadInput, EncoderUnavailable
from search.exploring import ExploringStage, Familiarity, Seen
from search.fusion import FUSIONS
from search.pipeline import Pipeline
from search.ranking import RankingStage
from search.retrieval import Retrieval
from search.seams import Engine, Explorer, Facts, Ranker, Rules
from search.settings import ExplorationSettings, Settings
from search.types import Ordinals, Ranking, SearchRequest, SearchResponse
from search.understandings import Understandings

RANKED, HYBRID = "ranked", "hybrid"
SYSTEMS: Mapping[str, frozenset[str]] = {
    RANKED: frozenset({"words", "meaning"}),
    HYBRID: frozenset({"words", "meaning"}),
    "bm25": frozenset({"words"}),
    "dense": frozenset({"meaning"}),
}
"""Pipeline variants by name, and the retrievers each asks; `ranked` is `hybrid` in the order of the
ranking model in use."""
RAW = "-raw"
"""Ends the name of a system that searches what was typed, only normalized (`hybrid-raw`)."""
MODEL_FILE = "model.json"
"""Where in the data directory the model in use lies, unless the settings name another file."""
RULES_FILE = "rules.toml"
"""Where in the data directory the shop's rules lie, unless the settings name another file."""
LTR = "ltr:"
"""Begins the name of a system that orders by a model file (`ltr:models/new.json`)."""


@dataclass(frozen=True, slots=True)
class Search:
    """A running search: every system over one engine."""

    engine: Engine
    systems: Mapping[str, Pipeline]
    settings: Settings
    models: ModelHolder
    rules: RuleBook

    async def search(self, request: SearchRequest) -> SearchResponse:
        """Answers with the system the request names, or the one that is used when it names none.

        Raises:
            BadInput: no such system, or the request cannot be answered as asked.
        """
        return await self.system(request).search(request)

    def system(self, request: SearchRequest) -> Pipeline:
        """The system that answers a request. A later page is answered by that of the first.

        Raises:
            BadInput: no such system, or the cursor is none.
        """
        name = request.system
        if name is None:
            cursor = decode_cursor(request.cursor, request) if request.cursor else None
            ranked = cursor.model if cursor else self.models.current()
            name = RANKED if ranked else HYBRID
        if name not in self.systems:
            known = ", ".join(sorted(self.systems))
            raise BadInput(f"unknown system {name!r}; known are {known}", field="system")
        return self.systems[name]

    async def with_model(self, name: str) -> Search:
        """The same search with one more system, `ltr:FILE`: `ranked` by the model of that file.
        Any other name changes nothing. For operators: it opens whatever file is named.

        Raises:
            NotFound, BadInput: the model cannot be used; says why.
        """
        if not name.startswith(LTR) or name in self.systems:
            return self
        ranker = await asyncio.to_thread(open_ranker, self.settings, Path(name[len(LTR) :]))
        await try_ranker(self.engine, ranker)
        stage = RankingStage(FixedModel(ranker), self.settings)
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
        await self.engine.close()


@dataclass(frozen=True, slots=True)
class FixedModel:
    """One model for good; implements `search.seams.RankerSource`."""

    ranker: Ranker
    fault: str | None = None

    def current(self) -> Ranker:
        """That model."""
        return self.ranker

    def at(self, version: str) -> Ranker | None:
        """That model, if it has this version."""
        return self.ranker if version == self.ranker.version else None


@dataclass(frozen=True, slots=True)
class FixedRules:
    """Rules for good; implements `search.seams.RuleSource`."""

    rules: Rules
    fault: str | None = None

    def current(self) -> Rules:
        """Those rules."""
        return self.rules

    def at(self, version: str) -> Rules | None:
        """Those rules, if they have this version."""
        return self.rules if version == self.rules.version else None


def analyze(text: str) -> tuple[str, ...]:
    """The stems of a text's words: the form in which queries and rules meet."""
    return tuple(stems(words(text)))


def follow_rules(settings: Settings) -> RuleBook:
    """The shop's rules, as the settings say. Blocks while it reads them for the first time."""
    chosen = settings.rules
    path = chosen.file or settings.data / RULES_FILE
    parse = partial(parse_rules, analyze=analyze, most=chosen.sponsored_per_page, name=path.name)
    return RuleBook(path if chosen.enabled else None, parse)


EXPLORERS: Mapping[str, Callable[[ExplorationSettings], Explorer]] = {
    "swap": lambda chosen: Swap(chosen.probability),
    "thompson": lambda chosen: Thompson(chosen.strength, chosen.share),
}
"""How places are exchanged by chance."""
_FAMILIAR_DAYS, _USUAL_RATE = 30, 0.1


def exploring(settings: Settings) -> ExploringStage | None:
    """What leaves places to chance; None unless the settings ask for it.

    Raises:
        BadInput: there are not two positions to exchange.
    """
    chosen = settings.exploration
    if chosen.method == "none":
        return None
    if chosen.last <= chosen.first:
        raise BadInput(
            f"exploration needs two positions: last ({chosen.last}) must be greater than first "
            f"({chosen.first})",
            field="exploration.last",
        )
    known = familiar(settings.data) if chosen.method == "thompson" else None
    return ExploringStage(chosen, EXPLORERS[chosen.method](chosen), known)


def familiar(data: Path) -> Familiarity:
    """How often products were looked at and clicked in the last 30 days."""
    from rankers.behavior import follow_behavior  # numba: only where it is used

    follower = follow_behavior(data)

    def known(facts: Facts, ordinals: Ordinals) -> Seen:
        counts = follower.of(facts).counts.get(_FAMILIAR_DAYS)
        if counts is None:
            none = np.zeros(len(ordinals))
            return Seen(none, none, _USUAL_RATE)
        there = ordinals < len(counts.impressions)
        seen, clicked = (
            np.where(there, np.take(each, ordinals, mode="clip"), 0).astype(np.float64)
            for each in (counts.impressions, counts.clicks)
        )
        return Seen(seen, clicked, counts.usual.clicks)

    return known


def diversify(*args: Any, **options: Any) -> Ranking:
    """See `rankers.diversity.diversify`."""
    from rankers.diversity import diversify as choose  # numba: only where it is used

    return choose(*args, **options)


def open_ranker(settings: Settings, path: Path) -> Ranker:
    """The ranker of a model file. Blocks, and the first time after an installation it compiles.

    Raises:
        NotFound, BadInput: the model cannot be used; says why.
    """
    from rankers.opening import open_ranker as opened  # numba: only where a model is used

    chosen = settings.ranking
    return opened(path, depth=chosen.depth, first_stage=chosen.first_stage, data=settings.data)


async def try_ranker(engine: Engine, ranker: Ranker) -> None:
    """Ranks a few products of the index, so that the first request is as fast as any.

    Raises:
        BadInput: this index cannot be ranked by this model; says why.
    """
    from rankers.opening import try_out

    view = await engine.view()
    await view.compute(lambda facts: try_out(ranker, facts, view.count))


def follow_models(settings: Settings, engine: Engine) -> ModelHolder:
    """The model in use, as the settings say; nothing is opened yet."""
    ranking = settings.ranking
    return ModelHolder(
        ranking.model or settings.data / MODEL_FILE if ranking.enabled else None,
        partial(open_ranker, settings),
        partial(try_ranker, engine),
        named=ranking.model is not None,
    )


async def open_search(settings: Settings, *, query_cache: int = 0) -> Search:
    """Opens the index in `settings.data` and assembles every system over it. `query_cache` is the
    number of query vectors kept in memory. Without its encoder an index is searched by words.

    Raises:
        IndexMissing, IndexCorrupt: there is nothing (sound) to serve.
    """
    engine = ENGINES[settings.engine](settings)
    encoders = Encoders(lambda name: open_encoder(settings.data, name), query_cache)
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
    arranging = ArrangingStage(rules, diversify, settings)
    explored = exploring(settings)
    settled = settings.understanding
    without = settled.without if settled.enabled else tuple(REWRITERS) + tuple(REFINERS)
    understood = Understandings(partial(Understanding.open, without=without), words)
    raw = Understandings(lambda _: Understanding(), words)
    systems = {
        name + ending: Pipeline(
            name=name + ending,
            engine=engine,
            understandings=understandings,
            retrieval=Retrieval(
                encoders=encoders,
                fusion=FUSIONS[settings.fusion.method](settings.fusion),
                retrievers=retrievers,
                settings=settings,
            ),
            settings=settings,
            ranking=RankingStage(models, settings) if name == RANKED else None,
            arranging=None if ending == RAW else arranging,
            exploring=None if ending == RAW else explored,
        )
        for name, retrievers in SYSTEMS.items()
        for ending, understandings in (("", understood), (RAW, raw))
    }
    await asyncio.to_thread(understood.of, view)
    return Search(engine, systems, settings, models, rules)
