"""What was recognized in a query, but not surely enough to filter, moves products up.

A gain is a share of the best fused score, so it means the same whatever the words score.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from search.ordering import best_first
from search.seams import Columns, View
from search.types import Named, Ordinals, Preference, Query, Ranking, Scores

PREFERENCE_WEIGHT = 0.05
"""What the cheapest product of its category gains when a cheap one is wished for."""
_FEW = 5
"""Products of one category that are too few to tell what is cheap there."""
_PRICE_KEY = "price"


@dataclass(frozen=True, slots=True)
class Boosted:
    """A ranking in its new order, those products that gained, by what they gained, and those that
    the query names outright, which stay above all others whatever a model says. Those with a code
    of the query are above the rest too, but a model may think otherwise: `WH-1000XM4` is also in
    the titles of its cases."""

    ranking: Ranking
    gains: Ranking
    named: Ordinals


async def boost(
    view: View, query: Query, fused: Ranking, look_up: Callable[[Query], Awaitable[Named]]
) -> Boosted | None:
    """Adds what each product of a fused ranking gains; None when nothing is to be gained. `look_up`
    finds what the query names (`View.named`)."""
    if not len(fused):
        return None
    gains = await _gains(view, query, fused.ordinals) * np.float32(max(fused.scores[0], 0.0))
    outright = np.zeros(len(fused), np.bool_)
    if query.intent == "product_lookup":
        named = await look_up(query)
        outright = np.isin(fused.ordinals, named.outright)
        gains += _lifts(fused.scores + gains, outright | np.isin(fused.ordinals, named.by_code))
    if not gains.any():
        return None
    gained = np.flatnonzero(gains)
    return Boosted(
        best_first(fused.ordinals, fused.scores + gains, len(fused)),
        best_first(fused.ordinals[gained], gains[gained], len(gained)),
        fused.ordinals[outright],
    )


async def _gains(view: View, query: Query, ordinals: Ordinals) -> Scores:
    gains = np.zeros(len(ordinals), np.float32)
    if query.boosts:
        satisfied = await view.satisfy(ordinals, [each.filter for each in query.boosts])
        gains += np.array([each.weight for each in query.boosts], np.float32) @ satisfied
    price = query.price
    if price is not None and price.preference is not None and _PRICE_KEY not in query.ignored:
        gains += PREFERENCE_WEIGHT * agreement(ordinals, price.preference, view.columns)
    return gains


def _lifts(scores: Scores, first: np.ndarray) -> Scores:
    """What brings some products above all others, in the order they have."""
    if not first.any():
        return np.zeros_like(scores)
    lift = scores.max() - scores[first].min() + abs(scores).max()
    return np.where(first, lift, 0).astype(np.float32)


def agreement(ordinals: Ordinals, preference: Preference, columns: Columns) -> Scores:
    """How far each price agrees with a wish for low or high ones, from 0 to 1, float32 of shape
    (len(ordinals),).

    A price is compared within its category, since a cheap laptop costs more than a dear cable; in a
    category with few of the products, with all of them. Unknown prices do not agree.
    """
    prices = np.take(columns.numbers("price"), ordinals)
    known = np.flatnonzero(~np.isnan(prices))
    _, groups, sizes = np.unique(
        np.take(columns.codes("category"), ordinals[known]), return_inverse=True, return_counts=True
    )
    groups = np.where(sizes[groups] < _FEW, -1, groups)
    shares = np.zeros(len(ordinals), np.float32)
    for group in np.unique(groups):
        members = known[groups == group]
        compared = prices[known if group < 0 else members]
        shares[members] = _share_below(compared, prices[members])
    if preference == "low":
        shares[known] = 1 - shares[known]
    return shares


def _share_below(compared: Scores, prices: Scores) -> Scores:
    """The share of other prices that are lower, ties counting half."""
    ascending = np.sort(compared)
    below = np.searchsorted(ascending, prices, "left") + np.searchsorted(ascending, prices, "right")
    shares: Scores = ((below - 1) / 2 / max(len(compared) - 1, 1)).astype(np.float32)
    return shares
