"""The ranking stage: candidates in the order of a model.

Without a model, or when it fails or takes too long, they keep the fused order, and the response
says so. A later page is ordered by the model that ordered the first, or not at all.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from search.candidates import UNREAD
from search.errors import CursorExpired
from search.resilience import remaining, until
from search.resilience.stages import RANKED
from search.retrieval import Candidates, Trace
from search.seams import Ranker, RankerSource, View
from search.settings import Settings
from search.types import (
    Contributions,
    FeatureTable,
    ModelUsed,
    Ordinals,
    Pool,
    Ranked,
    Ranking,
    Scored,
    SearchRequest,
    Shopper,
)

_NO_MODEL = "no ranking model: fused order"
_TOO_LONG = "ranking took too long: fused order"
_REMEMBERED = 20
"""The shopper's latest products that are looked up."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class RankingStage:
    """Orders candidates by the model in use."""

    models: RankerSource
    settings: Settings

    async def rank(
        self,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
        version: str | None = None,
    ) -> Candidates:
        """The candidates reordered; as they were for requests that are sorted or without words.
        `version` is that of the model which ordered earlier pages, empty when none did; what else
        it says of their order (`Candidates.order`) is for others.

        Raises:
            CursorExpired: that model is no longer held.
        """
        if version is not None:
            version = version.removesuffix(UNREAD)
        if request.sort != "relevance" or not found.query.terms or version == "":
            return found
        ranker = self._ranker(version)
        if ranker is None:
            if not self.settings.ranking.cross_encoder:  # which orders without a model, too
                trace.fallbacks.append(_NO_MODEL)
            return found
        start = time.perf_counter()
        with until(RANKED):
            patience = remaining(self.settings.limits.stage_seconds)
        try:
            async with asyncio.timeout(patience):
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
        fused = _first(ranked, found.named)
        return replace(found, fused=fused, stages=stages, ranked=ranked, ranker=ranker)

    def _ranker(self, version: str | None) -> Ranker | None:
        if version is None:
            return self.models.current()
        ranker = self.models.at(version)
        if ranker is None:
            raise CursorExpired(
                "the ranking model was replaced and the earlier one is no longer held; "
                "start again from the first page",
                field="cursor",
            )
        return ranker


def model_used(found: Candidates) -> ModelUsed | None:
    """The model that ordered the candidates."""
    if found.ranked is None or found.ranker is None:
        return None
    return ModelUsed(found.ranker.name, found.ranker.version, found.ranked.table.names)


async def scored(
    found: Candidates, ordinals: Ordinals, explain: bool, trace: Trace
) -> dict[int, Scored]:
    """What the model made of some of the candidates, by ordinal; with what each feature adds to
    the score, if they are to be explained and can be."""
    if found.ranked is None or found.ranker is None:
        return {}
    table, scores = found.ranked.table, found.ranked.scores
    places = dict(zip(table.ordinals.tolist(), range(len(table.ordinals)), strict=True))
    rows = [places[ordinal] for ordinal in ordinals.tolist() if ordinal in places]
    page = FeatureTable(table.names, table.ordinals[rows], table.values[rows])
    reasons = await _reasons(found.ranker, page, trace) if explain else None
    added = [()] * len(rows) if reasons is None else map(tuple, reasons.values.tolist())
    base = reasons.base if reasons else 0.0
    return {
        ordinal: Scored(score, row, each, base)
        for ordinal, score, row, each in zip(
            page.ordinals.tolist(), scores[rows].tolist(), page.values, added, strict=True
        )
    }


async def _reasons(ranker: Ranker, page: FeatureTable, trace: Trace) -> Contributions | None:
    start = time.perf_counter()
    try:
        reasons = await asyncio.to_thread(ranker.explain, page)
    except Exception as error:
        trace.failed("explanation", "scores", error)
        return None
    trace.since("explain", start)
    return reasons


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
