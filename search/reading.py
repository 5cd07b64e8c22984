"""The last stage that ranks: a cross-encoder reads the query and the titles of the best hits, and
moves them.

What it thinks is added to what the model thinks, each in units of its own spread. The hits take the
scores that the places had, so that what comes after (stock, age, rules) weighs them as before. When
the cross-encoder fails or takes too long, the hits keep their order, and the response says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.candidates import UNREAD, Candidates, ReadBy
from search.encoding import encoded_text
from search.errors import EncoderUnavailable
from search.reader import Read, Reader
from search.resilience import remaining, until
from search.resilience.stages import READ
from search.seams import View
from search.settings import Settings
from search.trace import Trace
from search.types import Ranking, Scores, SearchRequest

STAGE = "cross_encoder"
"""Its name where places are explained."""
_NO_READER = "no cross-encoder: ranked order"
_TOO_LONG = "reading took too long: ranked order"


@dataclass(frozen=True, slots=True)
class ReadingStage:
    """Moves the best hits as a cross-encoder reads them."""

    reader: Reader
    settings: Settings

    async def read(
        self,
        view: View,
        found: Candidates,
        request: SearchRequest,
        trace: Trace,
        order: str | None = None,
    ) -> Candidates:
        """The candidates with the best of them reordered; as they were for requests that are sorted
        or without words, and where there is nothing to choose from. `order` is that of earlier
        pages (`Candidates.order`): what could not be read for these is not read now."""
        if order is not None and order.endswith(UNREAD):
            return replace(found, unread=True)
        if request.sort != "relevance" or not found.query.terms:
            return found
        best = best_hits(found, self.settings.ranking.read)
        if len(best.places) < 2:
            return found
        start = time.perf_counter()
        try:
            read = await self._read(view, found, best)
        except EncoderUnavailable:
            trace.note(_NO_READER)
        except TimeoutError:
            trace.note(_TOO_LONG)
        except Exception as error:
            trace.failed("reading", "ranked order", error)
        else:
            trace.since("read", start)
            by = ReadBy(read.weight, read.worth * best.spread)
            return replace(moved(found, best, read), reader=self.reader.name, read_by=by)
        return replace(found, unread=True)

    async def _read(self, view: View, found: Candidates, best: Best) -> Read:
        with until(READ):
            products = await view.products(found.fused.ordinals[best.places])
            titles = [product.title for product in products]
            seconds = remaining(self.settings.limits.stage_seconds)
            return await self.reader.read(encoded_text(found.query), titles, seconds)


@dataclass(frozen=True, slots=True)
class Best:
    """The hits to read: their places among the candidates (ascending), how good they are without
    it (float64, by place), and how far such scores spread within a query."""

    places: NDArray[np.intp]
    base: NDArray[np.float64]
    spread: float


def best_hits(found: Candidates, most: int) -> Best:
    """The first `most` candidates, without those that the model did not score, which keep their
    places. Without a model it is the fused scores that count."""
    head = found.fused.ordinals[:most]
    ranked = found.ranked
    if ranked is None or not len(ranked.scores):
        scores = found.fused.scores.astype(np.float64)
        # Whatever the query names outright is far above the others, by no merit of its words.
        usual = scores[~np.isin(found.fused.ordinals, found.named)]
        return Best(np.arange(len(head)), scores[: len(head)], _deviation(usual))
    rows = {ordinal: row for row, ordinal in enumerate(ranked.table.ordinals.tolist())}
    places = [place for place, ordinal in enumerate(head.tolist()) if ordinal in rows]
    base = ranked.scores[[rows[int(head[place])] for place in places]]
    noted = found.ranker.spread if found.ranker is not None else None
    return Best(np.array(places, np.intp), base, noted or _deviation(ranked.scores))


def _deviation(scores: NDArray[np.float64]) -> float:
    return (float(scores.std()) if len(scores) else 0.0) or 1.0


def moved(found: Candidates, best: Best, read: Read) -> Candidates:
    """The best in the order of their totals, what the query names outright before the others; ties
    keep the order they had."""
    totals = best.base + read.worth * best.spread * read.scores.astype(np.float64)
    hits = found.fused.ordinals[best.places]
    order = np.lexsort((-totals, ~np.isin(hits, found.named)))
    ordinals = found.fused.ordinals.copy()
    ordinals[best.places] = hits[order]
    by_score = np.argsort(-read.scores, kind="stable")
    stages = {
        **found.stages,
        "fused": found.stages.get("fused", found.fused),
        STAGE: Ranking(hits[by_score], read.scores[by_score]),
    }
    scores = _strictly_falling(found.fused.scores, int(best.places[-1]) + 1)
    return replace(found, fused=Ranking(ordinals, scores), stages=stages)


def _strictly_falling(scores: Scores, count: int) -> Scores:
    """The first `count` scores each above the next, if only by the last bit: whoever orders by
    score gets the very same order."""
    apart = scores.copy()
    for place in range(min(count, len(scores) - 1) - 1, -1, -1):
        apart[place] = max(apart[place], np.nextafter(apart[place + 1], np.float32(np.inf)))
    return apart
