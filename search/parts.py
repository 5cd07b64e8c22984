"""What a search is assembled of: the shop's rules, its models, chance; each as settings say. Beside
`search/build.py` the only module that knows the rooms these come from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from query.stem import stems
from query.text import words
from rankers.exploration import Swap, Thompson
from rankers.holder import ModelHolder
from rankers.rules import RuleBook, parse_rules
from search.cross_encoder import open_cross_encoder
from search.errors import BadInput
from search.exploring import ExploringStage, Familiarity, Seen
from search.ranking import RankingStage
from search.reader import TOGETHER, CachedScorer, PairScorer, Reader
from search.reading import ReadingStage
from search.seams import Engine, Explorer, Facts, Ranker
from search.settings import MODEL_FILE, RULES_FILE, ExplorationSettings, Settings
from search.systems import FixedModel
from search.types import Ordinals

PAIRS_KEPT = 20_000
"""Queries with a title whose scores are remembered: those of 1,000 searches, about 10 MB."""


async def fixed_ranking(engine: Engine, settings: Settings, path: Path) -> RankingStage:
    """A stage that orders by the model of a file for good.

    Raises:
        NotFound, BadInput: the model cannot be used; says why.
    """
    ranker = await asyncio.to_thread(open_ranker, settings, path)
    await try_ranker(engine, ranker)
    return RankingStage(FixedModel(ranker), settings)


@dataclass(frozen=True, slots=True)
class Readers:
    """The cross-encoders that systems name; those of one name share it."""

    settings: Settings
    cached: bool = False
    """Whether scores are remembered."""
    opened: dict[str, Reader] = field(default_factory=dict)

    def stage(self, settings: Settings) -> ReadingStage | None:
        """What reads the best hits under these settings; None where they name no cross-encoder."""
        name = settings.ranking.cross_encoder
        if not name:
            return None
        if name not in self.opened:
            self.opened[name] = Reader(name, self._open, self.settings)
        return ReadingStage(self.opened[name], settings)

    def _open(self, name: str) -> PairScorer:
        threads = min(self.settings.threads, TOGETHER)
        scorer = open_cross_encoder(self.settings.data, name, threads)
        return CachedScorer(scorer, PAIRS_KEPT) if self.cached else scorer


def analyze(text: str) -> tuple[str, ...]:
    """The stems of a text's words: the form in which queries and rules meet."""
    return tuple(stems(words(text)))


def follow_rules(settings: Settings) -> RuleBook:
    """The shop's rules, as the settings say. Blocks while it reads them for the first time."""
    chosen = settings.rules
    path = chosen.file or settings.data / RULES_FILE
    parse = partial(parse_rules, analyze=analyze, most=chosen.sponsored_per_page, name=path.name)
    return RuleBook(path if chosen.enabled else None, parse, named=chosen.file is not None)


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
