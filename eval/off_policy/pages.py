"""How many clicks another order of the shown products would have had, from logged clicks.

The item-position estimator (Li, Abbasi-Yadkori, Kveton et al., KDD 2018, section 4.3): a product
is clicked when its position is looked at and it attracts, so a click at position k is worth
p(k') / p(k) clicks at position k'. It needs no randomized log, but the propensities p must be
right, and it says nothing of products that were not shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

Codes = NDArray[np.int32]
Amounts = NDArray[np.float64]
Examined = Callable[[Codes], Amounts]
"""Positions to the probabilities that they are looked at."""

CLIP = 10.0
"""The most that one click may count: rare clicks far down must not decide alone."""


@dataclass(frozen=True, slots=True)
class LoggedPages:
    """Shown products, one a row: in which search (int32, any codes), of which query, at which
    position (1-based), and its clicks."""

    searches: Codes
    queries: Codes
    positions: Codes
    clicks: Amounts

    def __len__(self) -> int:
        return len(self.searches)


@dataclass(frozen=True, slots=True)
class Value:
    """What an order is estimated to be worth. `clicks` (float64, by query code) are the clicks a
    search of each query, NaN where it was not logged. `effective` is the effective sample size of
    the weights on clicks (Kish 1965), of `clicked` in all; `clipped` the share of clicks whose
    weight was cut."""

    clicks: Amounts
    effective: float
    clicked: int
    clipped: float


def positions_by(pages: LoggedPages, scores: Amounts) -> Codes:
    """Where each product would stand if those of each search stood by falling score, in the places
    that the search has; ties keep their order."""
    order = np.lexsort((pages.positions, -scores, pages.searches))
    places = np.lexsort((pages.positions, pages.searches))
    moved = np.empty_like(pages.positions)
    moved[order] = pages.positions[places]
    return moved


def estimate(pages: LoggedPages, positions: Codes, examined: Examined, clip: float = CLIP) -> Value:
    """What it is worth to show each product at another position (int32, one a row).

    Raises:
        BadInput: nobody clicked, or positions of the log have no propensity.
    """
    if not pages.clicks.any():
        raise BadInput("no clicks in this log: nothing can be estimated from it", field="events")
    there, here = examined(positions), examined(pages.positions)
    if not (np.isfinite(here).all() and (here > 0).all()):
        raise BadInput("a logged position has no propensity; estimate them from this log")
    raw = there / here
    weights = np.minimum(raw, clip)
    queries = int(pages.queries.max()) + 1
    worth = np.bincount(pages.queries, weights * pages.clicks, minlength=queries)
    pairs = np.unique(np.stack([pages.queries, pages.searches]), axis=1)
    searches = np.bincount(pairs[0], minlength=queries)
    clicked = pages.clicks > 0
    of_clicks = weights[clicked]
    return Value(
        np.divide(worth, searches, out=np.full(queries, np.nan), where=searches > 0),
        float(of_clicks.sum() ** 2 / (of_clicks**2).sum()),
        int(clicked.sum()),
        float((raw[clicked] > clip).mean()),
    )


def relative_gain(
    pages: LoggedPages,
    candidate: Codes,
    serving: Codes,
    examined: Examined,
    clip: float = CLIP,
) -> float:
    """How many more clicks one order is worth than another, as a share of the other's: the mean of
    `relative_difference`. 0 where the other is worth none."""
    rows = pages.clicks > 0
    here, clicks = examined(pages.positions[rows]), pages.clicks[rows]
    one, other = (
        float(np.minimum(examined(places[rows]) / here, clip) @ clicks)
        for places in (candidate, serving)
    )
    return (one - other) / other if other else 0.0


def relative_difference(
    pages: LoggedPages,
    units: Codes,
    candidate: Codes,
    serving: Codes,
    examined: Examined,
    clip: float = CLIP,
) -> Amounts:
    """How many more clicks one order is worth than another, as a share of the other's: float64, one
    value a unit that was logged, whose mean is that share.

    `units` (int32, one a row) are what is drawn independently of each other, shoppers or searches.
    Each search weighs the same, so that a query counts as often as it is asked. The values are
    those of a ratio of two means, linearized (Cochran, Sampling Techniques 1977, section 6.4):
    their standard error is that of the share.
    """
    here = examined(pages.positions)
    _, unit = np.unique(units, return_inverse=True)
    worth = [
        np.bincount(unit, np.minimum(examined(places) / here, clip) * pages.clicks)
        for places in (candidate, serving)
    ]
    gain, base = worth[0] - worth[1], worth[1]
    usual = float(base.mean()) or 1.0
    share = float(gain.mean()) / usual
    return np.asarray(share + (gain - share * base) / usual, np.float64)
