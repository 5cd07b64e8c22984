"""Several systems answer one request with one list, and every hit knows whom it stands for.

What the systems have in common is done once. Their rankings become one before rules, stock,
variants, variety and pins, which apply to the one list: a product that these move keeps its team,
and one that they bring in has none. When a system fails or falls back, the baseline answers alone
and nobody gets credit: a comparison with what stood in for a ranker would be of something else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from search.arranging import Turn
from search.errors import AisleError
from search.retrieval import Candidates, Trace
from search.seams import View
from search.types import Interleaving, Ordinals, Ranking, SearchRequest, Teams

if TYPE_CHECKING:
    from search.pipeline import Pipeline

LENGTH = 50
"""So many places are interleaved; the baseline's order follows, for which nobody gets credit."""
_DEEP = 200
"""So much of each ranking is looked at: what stands deeper counts as not in it."""
_LISTED = 30
"""The places of each arm that are told where its whole ranking is asked for."""
_STAGE = "interleaving"


class Mixed(Protocol):
    """One list made of several rankings: what is shown, the number of the ranking that each item
    stands for (int8, -1 for none), and where each ranking has it (int32 of shape (items, rankings),
    from 1, 0 where it has it not). Methods that draw items by chance also say how likely each
    ranking was to put it there, float64 of the shape of `ranks`."""

    @property
    def items(self) -> Ordinals:
        """What is shown, best first."""
        ...

    @property
    def teams(self) -> NDArray[np.int8]:
        """Whom each item stands for."""
        ...

    @property
    def ranks(self) -> NDArray[np.int32]:
        """Where each ranking has it."""
        ...

    @property
    def chances(self) -> NDArray[np.float64] | None:
        """How likely each ranking was to put it there, of methods that draw by chance."""
        ...


class Mixer(Protocol):
    """Makes one list of several rankings; see `eval.interleaving`."""

    def __call__(self, rankings: Sequence[Ordinals], random: Random, length: int) -> Mixed:
        """The first `length` places, or fewer where the rankings end."""
        ...


@dataclass(frozen=True, slots=True)
class Sides:
    """Whom each product of one list stands for: arrays of one length, by place in `items`."""

    plan: Interleaving
    items: Ordinals
    teams: NDArray[np.int8]
    ranks: NDArray[np.int32]
    rankings: tuple[Ordinals, ...]
    chances: NDArray[np.float64] | None = None

    def of(self, ordinals: Ordinals, nobodys: Collection[int]) -> Teams:
        """The teams of some hits; products among `nobodys` have none, wherever the arms have
        them."""
        known = {ordinal: place for place, ordinal in enumerate(self.items.tolist())}
        places = [None if each in nobodys else known.get(each) for each in ordinals.tolist()]
        none = (0,) * len(self.rankings)
        names, teams, ranks = [*self.plan.arms, ""], self.teams.tolist(), self.ranks.tolist()
        found = Teams(
            self.plan.arms,
            tuple(["" if place is None else names[teams[place]] for place in places]),
            tuple([none if place is None else tuple(ranks[place]) for place in places]),
            chances=self._chances(places),
        )
        if not self.plan.rankings:
            return found
        alone = tuple(tuple(each[:_LISTED].tolist()) for each in self.rankings)
        return replace(found, items=tuple(ordinals.tolist()), rankings=alone)

    def _chances(self, places: Sequence[int | None]) -> tuple[tuple[float, ...], ...]:
        if self.chances is None:
            return ()
        none = (0.0,) * len(self.rankings)
        # Six digits are more than credit needs, and the log keeps them all.
        rounded = self.chances.round(6).tolist()
        return tuple([none if place is None else tuple(rounded[place]) for place in places])


@dataclass(frozen=True, slots=True)
class InterleavingStage:
    """Makes one list of what several pipelines rank. `pipelines` are those of `plan.systems`."""

    plan: Interleaving
    pipelines: Sequence[Pipeline]
    mixer: Mixer

    async def ranked(
        self,
        view: View,
        request: SearchRequest,
        trace: Trace,
        turn: Turn | None,
        versions: Sequence[str] | None,
    ) -> tuple[Candidates, Sides | None, tuple[str, ...]]:
        """The candidates in the interleaved order, whom they stand for, and the versions of the
        arms' models; without sides, the baseline's own order. `versions` are those that ordered
        earlier pages: one alone where the baseline answered these.

        Raises:
            BadInput, CursorExpired: as the baseline's pipeline.
        """
        first = self.pipelines[0]
        found = await first.candidates(view, request, trace, turn)
        asked: Sequence[str | None] = versions or [None] * len(self.pipelines)
        before = len(trace.fallbacks)
        base = await first.reranked(view, found, request, trace, asked[0])
        alone = len(asked) < len(self.pipelines)
        if alone or request.sort != "relevance" or not found.query.terms:
            return base, None, (base.order,)
        start = time.perf_counter()
        try:
            others = await asyncio.gather(*(
                self._other(pipeline, view, found, request, trace, turn, version)
                for pipeline, version in zip(self.pipelines[1:], asked[1:], strict=True)
            ))  # fmt: skip
        except AisleError as error:
            trace.failed(_STAGE, f"the arm {self.plan.arms[0]}", error)
            return base, None, (base.order,)
        trace.since("other_arms", start)
        if len(trace.fallbacks) > before:
            return base, None, (base.order,)
        start = time.perf_counter()
        mixed, sides = self.mixed((base, *others))
        trace.since("interleave", start)
        return mixed, sides, tuple(each.order for each in (base, *others))

    async def _other(
        self,
        pipeline: Pipeline,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
        turn: Turn | None,
        version: str | None,
    ) -> Candidates:
        first = self.pipelines[0]
        shared = (
            pipeline.retrieval is first.retrieval
            and pipeline.understandings is first.understandings
        )
        if not shared:
            found = await pipeline.candidates(view, request, trace, turn)
        return await pipeline.reranked(view, found, request, trace, version)

    def mixed(self, found: Sequence[Candidates]) -> tuple[Candidates, Sides]:
        """The candidates of all arms, the baseline's first, as one list, and whom it stands for."""
        base = found[0]
        rankings = tuple(each.fused.ordinals[:_DEEP] for each in found)
        mixed = self.mixer(rankings, Random(self.plan.seed), LENGTH)
        rest = _without(base.fused.ordinals, mixed.items)
        order = np.concatenate([mixed.items, rest]).astype(np.int32, copy=False)
        near = base.near
        for each in found[1:]:
            if each.near is base.near or not len(each.near):
                continue  # retrieved once, or by words alone
            near = np.union1d(near, each.near).astype(np.int32)
        candidates = replace(
            base,
            fused=Ranking(order, _scores(base.fused, len(order))),
            stages={**base.stages, "fused": base.stages.get("fused", base.fused)},
            near=near,
            complete=all(each.complete for each in found),
        )
        sides = Sides(self.plan, mixed.items, mixed.teams, mixed.ranks, rankings, mixed.chances)
        return candidates, sides


def _without(ordinals: Ordinals, shown: Ordinals) -> Ordinals:
    """The others, in their order; a third of what `numpy.isin` takes for so few."""
    if not len(shown):
        return ordinals
    ascending = np.sort(shown)
    places = np.searchsorted(ascending[:-1], ordinals)
    rest: Ordinals = ordinals[np.take(ascending, places) != ordinals]
    return rest


def _scores(ranking: Ranking, count: int) -> NDArray[np.float32]:
    """The baseline's scores by place: what stock and rules weigh must not depend on the side."""
    if not len(ranking):
        return np.linspace(1, 0, count, dtype=np.float32)
    places = np.minimum(np.arange(count), len(ranking) - 1)
    return np.asarray(ranking.scores[places], np.float32)
