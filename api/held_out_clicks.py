"""What a candidate's order of the shown products would have been worth in clicks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from api.evaluation import IndexSearcher
from api.logged_pages import Pages, only_rows
from api.traffic_segments import Parts, page_parts
from eval import estimate, positions_by, relative_difference, relative_gain
from training.propensity import Propensities, estimator, resampled
from training.registry import Margins, Sample

RESAMPLES = 50
"""How often propensities are estimated again."""
_MIDDLE = (0.1586553, 0.8413447)
_BEHIND = 1_000_000.0
_DEPTH = 1000
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Orders:
    """How the candidate, what serves, and the anchor (None where that serves) order the shown
    products: float64, one a row of the pages, the best first within a search. `named` is how the
    anchor is called."""

    candidate: Scores
    serving: Scores
    anchor: Scores | None = None
    named: str = ""


@dataclass(slots=True)
class Clicked:
    """Differences in clicks by shopper: beside what serves, beside the anchor, and by segment."""

    ENOUGH: ClassVar[int] = 100
    """Shoppers who clicked that a segment must have to be looked at on its own."""
    whole: list[Sample] = field(default_factory=list)
    anchored: list[Sample] = field(default_factory=list)
    segments: list[Sample] = field(default_factory=list)


async def scores_of(searcher: IndexSearcher, system: str, pages: Pages) -> Scores:
    """How a system orders the shown products of each query: float64, one a row."""
    shown = {query: tuple(products) for query, products in pages.candidates().items()}
    run = await searcher.run(system, list(shown), _DEPTH, shown)
    place = {
        (query, product): -float(rank)
        for query, products in run.items()
        for rank, product in enumerate(products)
    }
    texts = pages.texts
    return np.array([
        place.get((texts[query], product), -_BEHIND)
        for query, product in zip(pages.shown.queries.tolist(), pages.products, strict=True)
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Examinations:
    """How likely positions are looked at, and what that might have been found to be instead, by
    resampling the log; without `resampled` it is taken as known."""

    curve: Propensities
    resampled: tuple[Propensities, ...] = ()


def examinations(events: Sequence[Path]) -> Examinations:
    """Estimated from a log, all of its last 30 days.

    Raises:
        BadInput: nobody clicked, or there are no propensities to be had from this log.
    """
    from training.clicks import read_counts

    return Examinations(*resampled(read_counts(events), estimator(), RESAMPLES))


def compare_orders(
    pages: Pages, orders: Orders, parts: Parts, known: Examinations, margins: Margins
) -> Clicked:
    """The clicks that another order would have had, by shopper, over all pages and by segment.

    Raises:
        BadInput: nobody clicked, or a position has no propensity.
    """
    shown, curve = pages.shown, known.curve
    moved = positions_by(shown, orders.candidate)
    estimate(shown, moved, curve.at)
    serving = positions_by(shown, orders.serving)
    found = Clicked()
    unit = ("of the clicks", "shoppers")

    def shares(rows: NDArray[np.bool_], other: NDArray[np.int32]) -> Scores:
        part = only_rows(shown, rows)
        return relative_difference(part, pages.shoppers[rows], moved[rows], other[rows], curve.at)

    def sample(
        name: str, rows: NDArray[np.bool_], other: NDArray[np.int32], margin: float
    ) -> Sample:
        values = [
            relative_gain(only_rows(shown, rows), moved[rows], other[rows], each.at)
            for each in known.resampled
        ]
        return Sample(name, shares(rows, other), *unit, margin, _spread(values))

    everything = np.ones(len(shown), bool)
    found.whole.append(sample("clicks", everything, serving, margins.clicks))
    if orders.anchor is not None:
        anchor = positions_by(shown, orders.anchor)
        named = f"clicks, beside {orders.named}"
        found.anchored.append(sample(named, everything, anchor, margins.clicks))
    for name, rows in page_parts(pages, parts).items():
        if pages.clicked(rows) >= Clicked.ENOUGH:
            named = f"clicks, {name}"
            found.segments.append(sample(named, rows, serving, margins.segment_clicks))
    return found


def _spread(values: Sequence[float]) -> float:
    """The standard deviation of a normal with the same middle 68%, which a few wild resamples leave
    alone; 0 without any."""
    if not values:
        return 0.0
    low, high = np.quantile(values, _MIDDLE)
    return float(high - low) / 2
