"""Credit freed of position bias: what each ranking alone would have earned, of one shared list.

Under the position-based click model a click on an item that is looked at with probability ē, on
average over the coins, stands for 1/ē clicks where everything is looked at; a ranking that puts the
item at rank r would have had e(r) of them. The sum over clicks is each ranking's clicks in its
first places, without bias (Li et al., KDD 2018, applied to interleaved lists).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.lists import Draft
from eval.interleaving.seams import Interleaved, Interleaver, Items
from search.errors import BadInput

Amounts = NDArray[np.float64]

DRAWS = 1_000
"""Lists drawn to estimate an exposure that has no exact form."""


def debiased_credit(
    shown: Interleaved, clicks: Amounts, exposure: Amounts, examined: Amounts, depth: int
) -> Amounts:
    """The clicks that each ranking alone would have had in its first `depth` places, estimated:
    float64 of shape (rankings,).

    `clicks` float64, one a place; `exposure` what `expected_exposure` gave for what is shown;
    `examined` float64, how likely each place is looked at, from the first. A `depth` of half the
    length that is shown is seen whole by every method that takes turns: below it, items that are
    rarely or never shown make the estimate wild or wrong.

    Raises:
        BadInput: a clicked item has no exposure.
    """
    clicked = clicks > 0
    if not (exposure[clicked] > 0).all():
        raise BadInput("a clicked item has no expected exposure; compute it from the same rankings")
    worth = np.divide(clicks, exposure, out=np.zeros(len(shown)), where=clicked)
    curve = np.concatenate([[0.0], examined[:depth], np.zeros(1)])
    return np.asarray(worth @ curve[np.minimum(shown.ranks, depth + 1)], np.float64)


def expected_exposure(
    method: Interleaver,
    rankings: Sequence[Items],
    items: Items,
    examined: Amounts,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Amounts:
    """How likely each of `items` is looked at in a list of `len(examined)` places, on average over
    what the method draws: float64 of the shape of `items`. Exact for team-draft of two rankings;
    otherwise the mean of `draws` lists, drawn by `seed`.

    Raises:
        BadInput: the method cannot compare so many rankings.
    """
    found = (
        _exact(rankings, examined)
        if method.name == "team-draft" and len(rankings) == 2
        else _drawn(method, rankings, examined, draws, seed)
    )
    return np.array([found.get(item, 0.0) for item in items.tolist()], np.float64)


def _drawn(
    method: Interleaver, rankings: Sequence[Items], examined: Amounts, draws: int, seed: int
) -> dict[int, float]:
    random = Random(seed)
    found: dict[int, float] = {}
    looked = examined.tolist()
    for _ in range(draws):
        items = method(rankings, random, len(looked)).items.tolist()
        for item, chance in zip(items, looked, strict=False):
            found[item] = found.get(item, 0.0) + chance / draws
    return found


def _exact(rankings: Sequence[Items], examined: Amounts) -> dict[int, float]:
    """By rounds: two coins that lead to the same items shown are one case, so that there are few
    cases although there are 2**rounds sequences of coins."""
    looked = examined.tolist()
    found: dict[int, float] = {}
    start = Draft(rankings, len(looked))
    cases = {frozenset(start.items): (1.0, start)}
    for item, chance in zip(start.items, looked, strict=False):
        found[item] = chance
    while cases:
        following: dict[frozenset[int], tuple[float, Draft]] = {}
        for probability, draft in cases.values():
            for share, after in _round(draft):
                begun = len(draft.items)
                for item, chance in zip(after.items[begun:], looked[begun:], strict=False):
                    found[item] = found.get(item, 0.0) + probability * share * chance
                if not after.is_full and len(after.items) > begun:
                    key = frozenset(after.items)
                    known = following.get(key, (0.0, after))[0]
                    following[key] = (known + probability * share, after)
        cases = following
    return found


def _round(draft: Draft) -> list[tuple[float, Draft]]:
    """What one more round can come to, with its probability. Rounds that credit nobody are drawn in
    the same way, so they need no case of their own."""
    both = []
    for order in ((0, 1), (1, 0)):
        after = draft.copy()
        for ranking in order:
            item = after.head(ranking)
            if item is not None:
                after.take(item, ranking)
        both.append((0.5, after))
    return both
