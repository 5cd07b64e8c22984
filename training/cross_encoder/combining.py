"""A model's order, and what a cross-encoder makes of its best products: how much each counts, and
what both together are worth on queries never seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.comparison import Difference, difference
from training.measures import CUTOFFS, Yardstick, yardstick
from training.scorers import spread
from training.tables import Rows, Tables, Values

WEIGHTS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""What the cross-encoder's scores may count beside the model's, each in units of its spread."""
SIGNIFICANT = 0.05
WITHOUT, WITH, ALONE = "without", "with", "alone"


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the products on queries never seen: mean nDCG at each of `CUTOFFS`, and the mean
    share of clearly different pairs in the right order, None without any."""

    ndcg: tuple[float, ...]
    pairwise: float | None


@dataclass(frozen=True, slots=True)
class Combined:
    """What a cross-encoder adds. `weight` is what served searches use, `weights` what was chosen
    for each fold on the others, `spread` that of the cross-encoder's scores. `orders` are without
    it, with it and by it alone; `gain` compares nDCG@10 with and without, `over_fused` with it and
    the fused order, `pairwise` the pairs with and without."""

    weight: float
    weights: tuple[float, ...]
    spread: float
    orders: Mapping[str, Order]
    gain: Difference
    over_fused: Difference
    pairwise: Difference | None

    @property
    def helps(self) -> bool:
        """Whether queries it never saw gain by it for certain."""
        return self.weight > 0 and self.gain.delta > 0 and self.gain.p < SIGNIFICANT


def best_rows(tables: Tables, scores: Values, read: int) -> Rows:
    """The rows of the best `read` candidates of each query, as serving orders them."""
    order = np.lexsort((-scores, ~tables.named, tables.query))
    rank = np.arange(len(order)) - tables.offsets[tables.query]
    best: Rows = np.sort(order[rank < read])
    return best


def reread(
    tables: Tables, scores: Values, cross: Values, weight: float, units: tuple[float, float]
) -> Values:
    """Scores that put the candidates which were read (those of `cross` that are not NaN) in their
    new order, above the others in the one they had. `units` are the spreads of both.

    Arrays are float64 of shape (rows,).
    """
    together = scores + weight * units[0] / units[1] * np.nan_to_num(cross)
    read = ~np.isnan(cross)
    above = float(together[~read].max() - together[read].min()) if read.any() and ~read.all() else 0
    return np.where(read, together + max(above, 0.0) + 1.0, together)


def cross_spread(tables: Tables, cross: Values) -> float:
    """The standard deviation of the scores of what was read around their query's mean."""
    read = np.flatnonzero(~np.isnan(cross))
    query, values = tables.query[read], cross[read]
    sizes = np.maximum(np.bincount(query, minlength=len(tables)), 1)
    means = np.bincount(query, values, minlength=len(tables)) / sizes
    return float(np.sqrt(np.mean((values - means[query]) ** 2))) or 1.0


def combine(
    tables: Tables, scores: Values, cross: Values, parts: Sequence[Sequence[str]]
) -> Combined:
    """What a cross-encoder is worth whose scores, like the model's, are out of fold. The queries of
    each of `parts` are ordered with the weight that is best on all others."""
    measured, units = yardstick(tables), (spread(scores, tables), cross_spread(tables, cross))
    tried = {w: reread(tables, scores, cross, w, units) for w in WEIGHTS}
    ndcg = np.stack([measured.ndcg(each) for each in tried.values()])
    where = {text: i for i, part in enumerate(parts) for text in part}
    part_of = np.array([where[text] for text in tables.texts])
    weights = [_best(ndcg[:, part_of != part]) for part in range(len(parts))]
    chosen = np.array(weights)[part_of][tables.query]
    together = np.zeros(len(tables.query))
    for weight, each in tried.items():
        together = np.where(chosen == weight, each, together)
    pairs = [measured.pairwise(each) for each in (together, scores)]
    clear = ~np.isnan(pairs[0])
    return Combined(
        weight=_best(ndcg),
        weights=tuple(weights),
        spread=units[1],
        orders={
            WITHOUT: _order(measured, scores),
            WITH: _order(measured, together),
            ALONE: _order(measured, reread(tables, 0 * scores, cross, 1.0, units)),
        },
        gain=difference(measured.ndcg(together) - measured.ndcg(scores)),
        over_fused=difference(measured.ndcg(together) - measured.ndcg(tables.fused)),
        pairwise=difference((pairs[0] - pairs[1])[clear]) if clear.any() else None,
    )


def _best(ndcg: NDArray[np.float64]) -> float:
    """The weight with the best mean, the smallest of equals; `ndcg` is of shape (weights,
    queries)."""
    return WEIGHTS[int(np.argmax(np.round(ndcg.mean(axis=1), 9)))]


def _order(measured: Yardstick, scores: Values) -> Order:
    pairs = measured.pairwise(scores)
    clear = ~np.isnan(pairs)
    return Order(
        ndcg=tuple(float(measured.ndcg(scores, k).mean()) for k in CUTOFFS),
        pairwise=float(pairs[clear].mean()) if clear.any() else None,
    )
