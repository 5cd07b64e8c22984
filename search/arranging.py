"""After the model: stock and age, variety, and the shop's rules.

The order of things: filters of rules before anything is retrieved; then, on ranked candidates, what
products gain and lose (rules, stock, age), variety among the first, and at last pins and sponsored
products in their places. A sorted request gets the filters and the redirect alone: its order is
the shopper's.

All of it depends on the request, the view, the rules and the moment, which a cursor carries: pages
of one search neither repeat nor miss a product, whatever is changed meanwhile.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from search.cursor import Cursor
from search.errors import BadInput, CursorExpired
from search.placeable import gather_placeable
from search.reading import STAGE as CROSS_ENCODER
from search.results import group_variants
from search.retrieval import Candidates, Trace
from search.seams import Diversifier, Rules, RuleSource, View
from search.settings import Settings
from search.types import (
    Effects,
    Filters,
    Move,
    Ordinals,
    Query,
    Ranking,
    ReadHit,
    SearchRequest,
)
from search.variety import vary
from search.weighing import Weighed, weigh

DIVERSITY = "diversity"
"""What timings call the choice of varied hits, which those of `rules` leave out."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The rules for one request: those in force at the `moment` (seconds since 1970) when its first
    page, of `page` hits, was asked for."""

    rules: Rules
    request: SearchRequest
    moment: float
    page: int

    def effects(self, query: Query) -> Effects:
        """What the rules ask for, as far as the query is understood."""
        now = datetime.fromtimestamp(self.moment, UTC)
        effects = self.rules.matching(query, self.request, now)
        return effects if self.request.sponsored else replace(effects, sponsored=())


@dataclass(frozen=True, slots=True)
class Arranged:
    """The order to show, and why. `found` holds the `added` products that rules brought in, too;
    `outside` counts those of them that the filters keep out; `placed` are the moves of pins and
    sponsored products by ordinal. Where it is asked why, `earlier` is the order before gains, and
    `unread` that before a cross-encoder was asked; where one product of each variant group is
    shown, `groups` are these by ordinal, -1 where there is none.
    """

    found: Candidates
    ranking: Ranking
    effects: Effects = field(default_factory=Effects)
    placed: Mapping[int, Move] = field(default_factory=dict)
    weighed: Weighed | None = None
    earlier: Ranking | None = None
    unread: Ranking | None = None
    groups: Ordinals | None = None
    added: int = 0
    outside: int = 0

    def moves(self, ordinal: int) -> tuple[Move, ...]:
        """What rules did to a product."""
        gained = self.weighed.moves(ordinal, self.before(ordinal)) if self.weighed else ()
        return (self.placed[ordinal], *gained) if ordinal in self.placed else gained

    def before(self, ordinal: int) -> int | None:
        """The 1-based place before stock, age, variety and rules, that of whichever product of its
        group was best; None where there was none."""
        return self._place_in(self.earlier, ordinal)

    def behind(self, position: int) -> int:
        """How many pins and paid places stand before a 1-based place."""
        if not self.placed:
            return 0
        return sum(each in self.placed for each in self.ranking.ordinals[: position - 1].tolist())

    def reading(self, ordinal: int) -> ReadHit | None:
        """What a cross-encoder made of a product; None where it did not read it."""
        found = self.found.stages.get(CROSS_ENCODER, Ranking.empty())
        own, by = np.flatnonzero(found.ordinals == ordinal), self.found.read_by
        if not len(own) or by is None:
            return None
        score, before = float(found.scores[own[0]]), self._place_in(self.unread, ordinal)
        return ReadHit(score, by.weight, score * by.unit, before, self.before(ordinal))

    def _place_in(self, ranking: Ranking | None, ordinal: int) -> int | None:
        if ranking is None:
            return None
        same = ranking.ordinals == ordinal
        if self.groups is not None and self.groups[ordinal] >= 0:
            same = np.take(self.groups, ranking.ordinals) == self.groups[ordinal]
        places = np.flatnonzero(same)
        return int(places[0]) + 1 if len(places) else None

    def sponsored(self, ordinal: int) -> bool:
        """Whether a product has a paid place."""
        return ordinal in self.placed and self.placed[ordinal].kind == "sponsored"


def as_ranked(found: Candidates, request: SearchRequest, view: View) -> Arranged:
    """Candidates in the order they have."""
    ranking = _shown(found.fused, request, view)
    if not request.explain or request.sort != "relevance":
        return Arranged(found, ranking)
    unread = found.unmoved
    if unread is not None:
        kept = np.isin(unread.ordinals, found.fused.ordinals)
        unread = _shown(Ranking(unread.ordinals[kept], unread.scores[kept]), request, view)
    groups = view.columns.codes("group") if request.group else None
    return Arranged(found, ranking, earlier=ranking, unread=unread, groups=groups)


def _shown(ranking: Ranking, request: SearchRequest, view: View) -> Ranking:
    return group_variants(ranking, view.columns) if request.group else ranking


@dataclass(frozen=True, slots=True)
class ArrangingStage:
    """Arranges what was ranked."""

    rules: RuleSource
    diversify: Diversifier
    settings: Settings
    clock: Callable[[], float] = time.time

    def turn(self, request: SearchRequest, cursor: Cursor | None) -> Turn:
        """The rules for a request; for a further page those of its first.

        Raises:
            CursorExpired: they are no longer held.
        """
        if cursor is None:
            rules = self.rules.current()
            # Without anything that depends on it, the same request has the same cursor.
            timed = rules.version or self.settings.ranking.freshness
            return Turn(rules, request, float(int(self.clock())) if timed else 0.0, request.size)
        earlier = self.rules.at(cursor.rules)
        if earlier is None:
            raise CursorExpired(
                "the shop's rules changed and the earlier ones are no longer held; start again "
                "from the first page",
                field="cursor",
            )
        return Turn(earlier, request, cursor.moment, cursor.page)

    async def filters(self, view: View, query: Query, turn: Turn, trace: Trace) -> Filters:
        """The conditions that rules add before anything is retrieved."""
        return await _usable(view, turn.effects(query), trace)

    async def arrange(self, view: View, found: Candidates, turn: Turn, trace: Trace) -> Arranged:
        """The order to show; the ranked one when something fails."""
        start = time.perf_counter()
        try:
            arranged = await self._arrange(view, found, turn, trace)
        except Exception as error:
            trace.failed("rules", "ranked order", error)
            return as_ranked(found, turn.request, view)
        trace.since("rules", start + trace.timings.get(DIVERSITY, 0.0) / 1000)
        return arranged

    async def _arrange(self, view: View, found: Candidates, turn: Turn, trace: Trace) -> Arranged:
        effects = turn.effects(found.query)
        found = await _narrowed(view, found, effects, trace)
        request = turn.request
        if request.sort != "relevance" or not (len(found.fused) or effects.rules):
            return replace(as_ranked(found, request, view), effects=effects)
        today = turn.moment / 86_400
        weighed = await weigh(view, found, effects.gains, self.settings.ranking, today)
        before = as_ranked(found, request, view) if request.explain else None
        stages = {**found.stages, "fused": found.stages.get("fused", found.fused)}
        found = replace(found, fused=weighed.ranking, stages=stages)
        ranking = await self._varied(view, found, _shown(found.fused, request, view), turn, trace)
        arranged = before or Arranged(found, ranking)
        arranged = replace(arranged, found=found, ranking=ranking, effects=effects, weighed=weighed)
        if not (effects.pins or effects.sponsored):
            return arranged
        return await self._placed(view, arranged, turn)

    async def _varied(
        self, view: View, found: Candidates, ranking: Ranking, turn: Turn, trace: Trace
    ) -> Ranking:
        """The ranking with as much variety as the request, an experiment or the settings want."""
        chosen, request = self.settings.diversity, turn.request
        strength = request.diversity
        if strength is None:
            strength = request.treatment.diversity
        if strength is not None:
            chosen = chosen.model_copy(update={"strength": strength})
        start = time.perf_counter()
        varied = await vary(view, ranking, found.named, chosen, self.diversify)
        if varied is not ranking:
            trace.since(DIVERSITY, start)
        return varied

    async def _placed(self, view: View, arranged: Arranged, turn: Turn) -> Arranged:
        found, effects, ranking = arranged.found, arranged.effects, arranged.ranking
        hard = turn.request.filters + tuple(f for f in effects.filters if f in found.filters)
        placeable = await gather_placeable(view, effects, ranking, hard)
        groups = view.columns.codes("group") if turn.request.group else None
        most = self.settings.rules.sponsored_per_page
        placeable = replace(placeable, groups=groups, page=turn.page, most=most)
        placed = turn.rules.place(effects, ranking, placeable)
        added = np.setdiff1d(np.array(list(placed.moves), np.int32), found.fused.ordinals)
        return replace(
            arranged,
            found=_with(found, added),
            ranking=placed.ranking,
            placed=placed.moves,
            added=len(added),
            outside=await _failing(view, added, found.filters),
        )


async def _usable(view: View, effects: Effects, trace: Trace) -> Filters:
    """The rules' filters that this index can understand: a rule never makes a request wrong."""
    usable = []
    for each in effects.filters:
        try:
            await view.facets(None, (each,), Ranking.empty().ordinals, ())
        except BadInput:
            note = f"rule filter {each.name}: not in this index, left out"
            if note not in trace.fallbacks:
                trace.fallbacks.append(note)
        else:
            usable.append(each)
    return tuple(usable)


async def _narrowed(view: View, found: Candidates, effects: Effects, trace: Trace) -> Candidates:
    """Without what the filters of rules keep out that hold since the categories are known."""
    late = tuple(f for f in await _usable(view, effects, trace) if f not in found.filters)
    if not late:
        return found
    keep = (await view.satisfy(found.fused.ordinals, late)).all(0)
    fused = Ranking(found.fused.ordinals[keep], found.fused.scores[keep])
    return replace(found, fused=fused, filters=found.filters + late)


def _with(found: Candidates, added: Ordinals) -> Candidates:
    """Candidates and what rules brought in, which belongs to the result set from then on."""
    if not len(added):
        return found
    lowest = found.fused.scores[-1] if len(found.fused) else np.float32(0)
    ordinals = np.concatenate([found.fused.ordinals, added]).astype(np.int32)
    scores = np.concatenate([found.fused.scores, np.full(len(added), lowest, np.float32)])
    near = np.union1d(found.near, added).astype(np.int32)
    return replace(found, fused=Ranking(ordinals, scores), near=near)


async def _failing(view: View, ordinals: Ordinals, filters: Filters) -> int:
    """How many products fail a filter."""
    if not (len(ordinals) and filters):
        return 0
    with contextlib.suppress(BadInput):
        return int((~(await view.satisfy(ordinals, filters)).all(0)).sum())
    return 0
