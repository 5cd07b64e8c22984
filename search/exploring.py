"""After everything else: a few places exchanged by chance, so that clicks tell more.

Only slots between two stated positions take part, and of these only those that nobody fixed: pins,
paid places and products that the query names outright stay. What was drawn is logged with exact
probabilities, which is what makes clicks comparable afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search.arranging import Arranged
from search.retrieval import Trace
from search.seams import Explorer, Facts, View
from search.settings import ExplorationSettings
from search.types import Move, Ordinals, Ranking, SearchRequest, Slots

RULE = "exploration"
"""Stands for a rule where a hit's place is explained."""
_USUAL = 0.1
"""The click rate that is believed where nothing is known."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How often products were looked at and clicked, float64 by place in what was asked; `usual` is
    the catalogue's click rate."""

    seen: NDArray[np.float64]
    clicked: NDArray[np.float64]
    usual: float


class Familiarity(Protocol):
    """Knows how well products are known. Called in a thread of the engine."""

    def __call__(self, facts: Facts, ordinals: Ordinals) -> Seen:
        """How often each was looked at and clicked lately."""
        ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """What chance did to one list. `propensities` (float64) are those of its first places; all
    further ones are certain. `probability` is that of the list."""

    method: str
    propensities: NDArray[np.float64]
    probability: float

    def at(self, offset: int, count: int) -> tuple[float, ...]:
        """The probabilities of the hits from `offset` on."""
        part = self.propensities[offset : offset + count].tolist()
        return (*part, *[1.0] * (count - len(part)))


@dataclass(frozen=True, slots=True)
class ExploringStage:
    """Exchanges places by chance."""

    settings: ExplorationSettings
    explorer: Explorer
    familiarity: Familiarity | None = None

    async def explore(
        self, view: View, arranged: Arranged, request: SearchRequest, trace: Trace
    ) -> tuple[Arranged, Drawn | None]:
        """The list to show and what was left to chance: the same on every page of a search, which
        its query id decides. A search without one, or sorted, is left alone, as is everything when
        this fails."""
        if not request.id or request.sort != "relevance":
            return arranged, None
        try:
            return await self._explore(view, arranged, request.id)
        except Exception as error:
            trace.failed(RULE, "ranked order", error)
            return arranged, None

    async def _explore(
        self, view: View, arranged: Arranged, search: str
    ) -> tuple[Arranged, Drawn | None]:
        slots = _free(arranged, self.settings.first, self.settings.last)
        if len(slots) < 2:
            return arranged, None
        ranking = arranged.ranking
        known = await self._known(view, ranking.ordinals[slots])
        scores = ranking.scores[slots].astype(np.float64)
        choice = Slots(scores, known.seen, known.clicked, known.usual)
        seed = int.from_bytes(sha256(search.encode()).digest()[:8])
        chance = self.explorer(choice, np.random.default_rng(seed))
        propensities = np.ones(slots[-1] + 1)
        propensities[slots] = chance.propensities
        drawn = Drawn(self.explorer.name, propensities, chance.probability)
        return _reordered(arranged, slots, chance.order), drawn

    async def _known(self, view: View, ordinals: Ordinals) -> Seen:
        familiarity = self.familiarity
        if familiarity is None:
            none = np.zeros(len(ordinals))
            return Seen(none, none, _USUAL)
        return await view.compute(lambda facts: familiarity(facts, ordinals))


def _free(arranged: Arranged, first: int, last: int) -> NDArray[np.int64]:
    """The places that chance may exchange, from 0, ascending."""
    ordinals = arranged.ranking.ordinals[first - 1 : last]
    fixed = np.isin(ordinals, [*arranged.placed, *arranged.found.named.tolist()])
    return np.flatnonzero(~fixed) + first - 1


def _reordered(arranged: Arranged, slots: NDArray[np.int64], order: NDArray[np.int64]) -> Arranged:
    """The list with the products of some slots in another order. Scores stay with the places, so
    that they fall."""
    ordinals = arranged.ranking.ordinals.copy()
    before = slots[order]
    ordinals[slots] = ordinals[before]
    moved = {
        int(ordinals[place]): Move(RULE, "chance", int(earlier) + 1)
        for place, earlier in zip(slots, before, strict=True)
        if place != earlier
    }
    ranking = Ranking(ordinals, arranged.ranking.scores)
    return replace(arranged, ranking=ranking, placed={**arranged.placed, **moved})
