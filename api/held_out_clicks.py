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
from eval import estimate, positions_by, relative_difference
from training.propensity import DEFAULT, ESTIMATORS, Propensities
from training.registry import Margins, Sample

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


def clicked_samples(
    events: Sequence[Path], pages: Pages, orders: Orders, parts: Parts, margins: Margins
) -> Clicked:
    """The clicks that another order would have had, by shopper, over all pages and by segment.

    Raises:
        BadInput: nobody clicked, or there are no propensities to be had from this log.
    """
    curve = _propensities(events)
    return compare_orders(pages, orders, parts, curve, margins)


def compare_orders(
    pages: Pages, orders: Orders, parts: Parts, curve: Propensities, margins: Margins
) -> Clicked:
    """As `clicked_samples`, with propensities that are known.

    Raises:
        BadInput: nobody clicked, or a position has no propensity.
    """
    shown = pages.shown
    moved = positions_by(shown, orders.candidate)
    estimate(shown, moved, curve.at)
    serving = positions_by(shown, orders.serving)
    found = Clicked()
    unit = ("of the clicks", "shoppers")

    def shares(rows: NDArray[np.bool_], other: NDArray[np.int32]) -> Scores:
        part = only_rows(shown, rows)
        return relative_difference(part, pages.shoppers[rows], moved[rows], other[rows], curve.at)

    everything = np.ones(len(shown), bool)
    found.whole.append(Sample("clicks", shares(everything, serving), *unit, margins.clicks))
    if orders.anchor is not None:
        anchor = positions_by(shown, orders.anchor)
        named = f"clicks, beside {orders.named}"
        found.anchored.append(Sample(named, shares(everything, anchor), *unit, margins.clicks))
    for name, rows in page_parts(pages, parts).items():
        if pages.clicked(rows) >= Clicked.ENOUGH:
            named = f"clicks, {name}"
            found.segments.append(
                Sample(named, shares(rows, serving), *unit, margins.segment_clicks)
            )
    return found


def _propensities(events: Sequence[Path]) -> Propensities:
    from training.clicks import read_counts

    return ESTIMATORS[DEFAULT](read_counts(events))
