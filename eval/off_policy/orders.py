"""Where another order would put the products that the log has shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.off_policy.clicklog import Amounts, ClickLog, Codes
from search.errors import BadInput

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Order:
    """An order of every query's shown products: the place of each document (int32, from 0 on),
    `NOWHERE` for those that no longer fit on what was shown. `tied` is the share of documents whose
    score another one of their query has too."""

    places: Codes
    tied: float


def order_of(log: ClickLog, scores: Amounts) -> Order:
    """The order by falling score (float64, one a document; -inf where the candidate has none, ties
    by document code) over the places that were shown for the query at all.

    Raises:
        BadInput: scores that are no numbers, or all alike.
    """
    if len(scores) != len(log.queries):
        raise BadInput(f"{len(scores)} scores for {len(log.queries)} products that were shown")
    if np.isnan(scores).any():
        raise BadInput(
            f"the candidate gives {np.isnan(scores).sum():,} of {len(scores):,} products no score "
            "(NaN); mend the model, or the features it is given",
            field="candidate",
        )
    by_score = np.lexsort((np.arange(len(scores)), -scores, log.queries)).astype(np.int64)
    beside = (np.diff(log.queries[by_score]) == 0) & np.isfinite(scores[by_score[1:]])
    equal = beside & (scores[by_score[1:]] == scores[by_score[:-1]])
    if beside.any() and equal.sum() == beside.sum():
        raise BadInput(
            "the candidate scores all products of every query alike, so that it has no order; name "
            "a model that tells them apart",
            field="candidate",
        )
    tied = np.append(equal, False) | np.append(False, equal)
    return Order(_placed(log, by_score), float(tied.mean()))


def _placed(log: ClickLog, by_score: NDArray[np.int64]) -> Codes:
    """The first product of a query gets the first place that was shown for it, and so on."""
    pairs = np.unique(
        log.queries[log.documents].astype(np.int64) * (int(log.positions.max()) + 1) + log.positions
    )
    query, place = np.divmod(pairs, int(log.positions.max()) + 1)
    starts = np.searchsorted(query, np.arange(int(log.queries.max()) + 2))
    queries = log.queries[by_score]
    rank = np.arange(len(by_score)) - np.searchsorted(queries, queries)
    fits = rank < np.diff(starts)[queries]
    places = np.full(len(by_score), NOWHERE, np.int32)
    places[by_score[fits]] = place[(starts[queries] + rank)[fits]] - 1
    return places


def shown_as(log: ClickLog, order: Order) -> bool:
    """Whether an order puts everything where it was shown, every time."""
    return bool((order.places[log.documents] == log.positions - 1).all())
