"""What exploration costs: clicks with it, and what they would be without, from the same log.

Searches whose list chance left as it was are weighted by one over the probability of that: they
stand for all (self-normalized inverse propensity, Swaminathan and Joachims, NIPS 2015). Only chance
decides which they are, so nothing needs to be assumed about how shoppers click.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput
from training.events.tables import open_tables

_Z = 1.96
_SEARCHES = """
SELECT s.exploration, s.probability, s.kept, coalesce(c.clicks, 0) AS clicks
FROM (
    SELECT search_id, any_value(exploration) AS exploration,
        min(coalesce(CAST(attributes ->> '$.list_propensity' AS DOUBLE), 1)) AS probability,
        min(coalesce(list_min(propensities), 1)) >= 0.5 AS kept
    FROM clean_searches WHERE exploration <> '' GROUP BY search_id
) s LEFT JOIN (
    SELECT search_id, count(DISTINCT product) AS clicks
    FROM clean_events WHERE action = 'click' GROUP BY search_id
) c USING (search_id)
"""


@dataclass(frozen=True, slots=True)
class ExplorationCost:
    """Clicks a search under one method, and without: `cost` is their difference with its 95 %
    interval, above 0 where exploration loses clicks. `changed` is the share of searches whose
    order chance changed."""

    method: str
    searches: int
    changed: float
    clicks: float
    without: float
    cost: float
    low: float
    high: float


def exploration_costs(paths: Sequence[Path]) -> tuple[ExplorationCost, ...]:
    """The cost of every method in a log, the most used first.

    Raises:
        BadInput: the log cannot be read, or no search in it was explored.
    """
    with open_tables(paths) as connection:
        found = connection.execute(_SEARCHES).fetchnumpy()
    methods, counts = np.unique(np.asarray(found["exploration"], str), return_counts=True)
    if not len(methods):
        raise BadInput(
            'no search in this log left anything to chance; set [exploration] method = "swap" '
            "and log some searches",
            field="events",
        )
    arrays = [np.asarray(found[name], np.float64) for name in ("probability", "kept", "clicks")]
    names = np.asarray(found["exploration"], str)
    return tuple(
        cost_of(str(methods[i]), *(each[names == methods[i]] for each in arrays))
        for i in np.argsort(-counts, kind="stable")
    )


def cost_of(
    method: str,
    probability: NDArray[np.float64],
    kept: NDArray[np.float64],
    clicks: NDArray[np.float64],
) -> ExplorationCost:
    """The cost from searches (float64, shape (searches,)): how probable each list was, 1 where
    chance left it as it was, and its clicks.

    Raises:
        BadInput: chance left no list as it was.
    """
    weights = np.where(kept > 0, 1 / probability, 0.0)
    total = float(weights.sum())
    if not total:
        raise BadInput(f"{method}: every list was changed, so there is none to compare with")
    mean = float(clicks.mean())
    without = float(weights @ clicks) / total
    # The estimate's own deviation from linear terms of each search (the delta method).
    terms = weights * (clicks - without) / (total / len(clicks)) - (clicks - mean)
    error = float(np.std(terms)) / np.sqrt(len(clicks))
    cost = without - mean
    return ExplorationCost(
        method,
        len(clicks),
        float(1 - (kept > 0).mean()),
        mean,
        without,
        cost,
        cost - _Z * error,
        cost + _Z * error,
    )
