"""The ranking stage: candidates in the order of a model.

Without a model, or when it fails or takes too long, they keep the fused order, and the response
says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from search.retrieval import Candidates, Trace
from search.seams import Ranker, View
from search.settings import Settings
from search.types import Ordinals, Pool, Ranked, Ranking, SearchRequest, Shopper

_TOO_LONG = "ranking took too long: fused order"
_REMEMBERED = 20
"""The shopper's latest products that are looked up."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class RankingStage:
    """Orders candidates by the model in use."""

    ranker: Callable[[], Ranker | None]
    """The model in use at this moment; None when there is none."""
    settings: Settings

    async def rank(
        self, view: View, found: Candidates, request: SearchRequest, trace: Trace
    ) -> Candidates:
        """The candidates reordered; as they were for requests that are sorted or without words."""
        ranker = self.ranker()
        if ranker is None or request.sort != "relevance" or not found.query.terms:
            return found
        start = time.perf_counter()
        try:
            async with asyncio.timeout(self.settings.limits.stage_seconds):
                candidates = await pool(view, found, request.shopper)
                ranked = await view.compute(lambda facts: ranker.rank(facts, candidates))
        except TimeoutError:
            trace.fallbacks.append(_TOO_LONG)
            return found
        except Exception as error:
            trace.failed("ranking", "fused order", error)
            return found
        trace.since("rank", start)
        stages = {**found.stages, "fused": found.fused, "model": ranked.ranking}
        return replace(found, fused=_first(ranked, found.named), stages=stages, ranked=ranked)


async def pool(view: View, found: Candidates, shopper: Shopper) -> Pool:
    """The candidates as rankers see them."""
    return Pool(
        query=found.query,
        ranking=found.fused,
        stages=found.stages,
        vector=found.vector,
        shopper=shopper,
        clicked=await _known(view, shopper.clicked),
        bought=await _known(view, shopper.bought),
        today=datetime.now(UTC).timestamp() // _DAY,
    )


async def _known(view: View, ids: tuple[str, ...]) -> Ordinals:
    """The ordinals of the latest products of a shopper, those that the index has."""
    found = await asyncio.gather(*(view.find(each) for each in ids[-_REMEMBERED:]))
    return np.array([ordinal for ordinal in found if ordinal is not None], np.int32)


def _first(ranked: Ranked, named: Ordinals) -> Ranking:
    """The ranking with the products that the query names outright above all others."""
    ranking = ranked.ranking
    if not len(named):
        return ranking
    first = np.isin(ranking.ordinals, named)
    order = np.argsort(~first, kind="stable")
    lift = np.ptp(ranking.scores) + 1 if len(ranking) else 0
    scores = ranking.scores + np.where(first, lift, 0).astype(np.float32)
    return Ranking(ranking.ordinals[order], scores[order])
