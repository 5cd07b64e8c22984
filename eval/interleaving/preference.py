"""Pairwise preference multileaving (Oosterhuis and de Rijke, CIKM 2017), of any number of rankings.

Place n is drawn evenly from what stands in the first n places of any ranking and is not shown yet.
A click says that its item is preferred to every item that was passed over: those not clicked down
to one below the last click. A preference counts where both items stand no higher than where both
could have stood, so that either order was as likely, and by one over the chance of that; a ranking
earns it when it agrees and loses it when it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from eval.interleaving.lists import Draft, check, interleaved
from eval.interleaving.seams import NOBODY, Interleaved, Items
from search.errors import BadInput

Amounts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Preference:
    """See `Interleaver`. No item stands for one ranking, so all are nobody's: credit is by pairs.
    What is not in a ranking is below all that is."""

    name: str = "preference"
    most: int | None = None

    def __call__(self, rankings: Sequence[Items], random: Random, length: int) -> Interleaved:
        """See `Interleaver`."""
        check(self.name, self.most, rankings)
        draft = Draft(rankings, length)
        choices = _draw(draft, random)
        chances = np.ones((len(draft.items), len(rankings)))
        chances[draft.same :] /= np.array(choices, np.float64).reshape(-1, 1)
        return interleaved(rankings, draft, chances)

    def credit(self, shown: Interleaved, clicks: Amounts) -> Amounts:
        """The preferences each ranking agrees with less those it does not, weighted.

        Raises:
            BadInput: `chances` were not logged.
        """
        if shown.chances is None:
            raise BadInput("preference credit needs the chances of each place; log them")
        liked, passed = _preferences(clicks)
        highest = np.where(shown.ranks > 0, shown.ranks, np.iinfo(np.int32).max).min(axis=1) - 1
        both = np.maximum(highest[liked], highest[passed])
        counted = np.minimum(liked, passed) >= both
        liked, passed, both = liked[counted], passed[counted], both[counted]
        weights = clicks[liked] / _chance_of_both(
            shown.chances[:, 0], np.minimum(highest[liked], highest[passed]), both
        )
        return np.asarray(weights @ _agreement(shown.ranks, liked, passed), np.float64)


def _draw(draft: Draft, random: Random) -> list[int]:
    """Fills the places; returns of how many items each was drawn."""
    choices: list[int] = []
    known, open_ = set(draft.items), list[int]()
    for place in range(draft.same, draft.length):
        for items in draft.lists:
            if place < len(items) and items[place] not in known:
                known.add(items[place])
                open_.append(items[place])
        if not open_:
            break
        choices.append(len(open_))
        drawn = int(random.random() * len(open_))
        open_[drawn], open_[-1] = open_[-1], open_[drawn]
        draft.take(open_.pop(), NOBODY)
    return choices


def _preferences(clicks: Amounts) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every pair of a clicked place and one that was passed over: the clicked, the passed over."""
    liked = np.flatnonzero(clicks > 0)
    seen = clicks[: liked[-1] + 2] if len(liked) else clicks[:0]
    passed = np.flatnonzero(seen <= 0)
    return np.repeat(liked, len(passed)), np.tile(passed, len(liked))


def _chance_of_both(chances: Amounts, first: NDArray[np.int32], both: NDArray[np.int32]) -> Amounts:
    """How likely an item that could stand from place `first` on was still not shown at `both`."""
    kept = np.concatenate([[0.0], np.log1p(-np.minimum(chances, 1 - 1e-12)).cumsum()])
    return np.asarray(np.exp(kept[both] - kept[first]), np.float64)


def _agreement(
    ranks: NDArray[np.int32], liked: NDArray[np.intp], passed: NDArray[np.intp]
) -> Amounts:
    """1 where a ranking has the liked item higher, −1 where lower, float64 (pairs, rankings)."""
    place = np.where(ranks > 0, ranks, np.iinfo(np.int32).max).astype(np.int64)
    return np.asarray(np.sign(place[passed] - place[liked]), np.float64)
