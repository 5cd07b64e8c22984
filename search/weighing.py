"""What products gain and lose after the model: by rules, by being sold out, by their age.

A gain is a share of the best score. A model's scores may be below zero and mean nothing by
themselves; there the distance between the best and the hundredth counts, if it is more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from search.retrieval import Candidates
from search.seams import View
from search.settings import RankingSettings
from search.types import Gain, Mask, Move, Ordinals, Ranking, Scores

_HEAD = 100
_SOLD_OUT = Move("out_of_stock", "stock")


@dataclass(frozen=True, slots=True)
class Weighed:
    """A ranking in its new order, and the products that each rule moved."""

    ranking: Ranking
    gained: tuple[tuple[Move, Ordinals], ...] = ()

    def moves(self, ordinal: int, before: int | None = None) -> tuple[Move, ...]:
        """What rules did to a product, whose place was `before` then."""
        return tuple(
            replace(move, before=before)
            for move, ordinals in self.gained
            if (ordinals == ordinal).any()
        )


async def weigh(
    view: View,
    found: Candidates,
    gains: Sequence[Gain],
    settings: RankingSettings,
    today: float,
) -> Weighed:
    """The candidates by what they score and gain; `today` is in days since 1970. Products that the
    query names outright lose nothing for being sold out."""
    ranking = found.fused
    named = np.zeros(len(ranking), np.bool_)
    if len(found.named):
        named = np.isin(ranking.ordinals, found.named)
    amounts = _of_stock(view, ranking.ordinals, settings) * ~named
    gained = [(_SOLD_OUT, ranking.ordinals[amounts < 0])] if amounts.any() else []
    amounts += _of_age(view, ranking.ordinals, settings, today)
    for each, satisfied in zip(gains, await _satisfied(view, ranking, gains), strict=True):
        amounts += np.float32(each.weight) * satisfied
        kind = Move(each.rule, "boost" if each.weight > 0 else "bury")
        gained.append((kind, ranking.ordinals[satisfied]))
    if not amounts.any():
        return Weighed(ranking, tuple(gained))
    scores = _compared(ranking.scores)
    scores = scores + amounts * _scale(scores[~named])
    order = np.argsort(-scores, kind="stable")
    return Weighed(Ranking(ranking.ordinals[order], scores[order]), tuple(gained))


async def _satisfied(view: View, ranking: Ranking, gains: Sequence[Gain]) -> list[Mask]:
    """Which candidates each gain is for."""
    if not gains:
        return []
    filters = list(dict.fromkeys(one for each in gains for one in each.filters))
    rows = await view.satisfy(ranking.ordinals, filters)
    wanted = ([filters.index(one) for one in each.filters] for each in gains)
    return [np.asarray(rows[own].all(0)) for own in wanted]


def _of_stock(view: View, ordinals: Ordinals, settings: RankingSettings) -> Scores:
    """What is lost for being sold out; unknown stock counts as available."""
    if settings.out_of_stock == "keep":
        return np.zeros(len(ordinals), np.float32)
    out = np.take(view.columns.numbers("stock"), ordinals) <= 0
    return np.asarray(np.where(out, -settings.out_of_stock_loss, 0.0), np.float32)


def _of_age(view: View, ordinals: Ordinals, settings: RankingSettings, today: float) -> Scores:
    """What is gained for being new; an unknown age gains nothing."""
    if not settings.freshness:
        return np.zeros(len(ordinals), np.float32)
    age = np.maximum(today - np.take(view.columns.numbers("created"), ordinals), 0)
    gain = settings.freshness * np.exp2(-age / settings.freshness_days)
    return np.asarray(np.nan_to_num(gain, nan=0.0), np.float32)


def _compared(scores: Scores) -> Scores:
    """Scores that tell places apart; those of a list that has none, from 1 down to 0."""
    if len(scores) > 1 and scores[0] <= scores[-1]:
        return np.linspace(1, 0, len(scores), dtype=np.float32)
    return scores


def _scale(scores: Scores) -> np.float32:
    """What a gain of 1 is worth."""
    if not len(scores):
        return np.float32(1)
    best, hundredth = float(scores[0]), float(scores[:_HEAD][-1])
    return np.float32(max(abs(best), best - hundredth) or 1.0)
