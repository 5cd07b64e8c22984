"""How near candidates are to the query, to the best of them, and to their nearest neighbors."""

from __future__ import annotations

import math

import numpy as np

from rankers.features.kernels.types import (
    Singles,
    Table,
    f4,
    helper,
    kernel,
    matrix,
    number,
    table,
    whole,
)

COSINE, SHARE, CENTROID, NEIGHBORS_SCORE, NEIGHBORS_COSINE, BEST = range(6)
"""Columns, in the order of `rankers.features.meaning.FEATURES`."""
_TWO, _ONE, _LEAST = np.float32(2), np.float32(1), np.float32(1e-9)


@helper
def _mean(values: Singles) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@helper
def _neighbors(out: Table, similarities: Table, scores: Singles, nearest: Table) -> None:
    """Fills the mean of the scores of each row's nearest columns, as a share of the best score, and
    the mean similarity to them. A candidate is no neighbor of itself: row i is column i. NaN when
    there are fewer others than `nearest` has columns, which is room for similarities and scores."""
    size = len(scores)
    near, gained = nearest[0], nearest[1]
    neighbors = len(near)
    for i in range(similarities.shape[0]):
        kept = 0
        for j in range(size):
            if i == j:
                continue
            value = similarities[i, j]
            if kept == neighbors and value <= near[kept - 1]:
                continue
            place = kept if kept < neighbors else neighbors - 1
            while place > 0 and near[place - 1] < value:
                near[place], gained[place] = near[place - 1], gained[place - 1]
                place -= 1
            near[place], gained[place] = value, scores[j] / scores[0]
            kept = min(kept + 1, neighbors)
        if kept == neighbors:
            out[i, NEIGHBORS_SCORE] = _mean(gained)
            out[i, NEIGHBORS_COSINE] = _mean(near)


@helper
def _query(out: Table, similarities: Table, column: int, reference: int) -> None:
    """Fills the similarity to the query, and what it is beside the best of the first ones."""
    nearest = similarities[0, column]
    for i in range(min(reference, similarities.shape[0])):
        value = similarities[i, column]
        nearest = value if value > nearest or math.isnan(value) else nearest
    for i in range(similarities.shape[0]):
        value = similarities[i, column]
        out[i, COSINE] = value
        out[i, SHARE] = value / nearest if nearest > 0 else np.float32(np.nan)
        out[i, BEST] = nearest


@helper
def _centroid(
    out: Table, similarities: Table, column: int, first: int, square: float, length: float
) -> None:
    """Fills cosines to a sum of unit vectors, of which the products with it are a column and
    `square` its own, `length` the root of that; the `first` candidates, of which it is the sum,
    are compared with the others of them."""
    for i in range(similarities.shape[0]):
        own = similarities[i, column]
        if i < first:
            rest = np.float32(square) - _TWO * own + _ONE
            rest = _LEAST if rest < _LEAST else rest
            out[i, CENTROID] = (own - _ONE) / np.sqrt(rest)
        else:
            out[i, CENTROID] = own / np.float32(length)


@kernel(table, matrix, f4, number, number, whole, whole, table)
def fill(
    out: Table,
    similarities: Table,
    scores: Singles,
    square: float,
    length: float,
    first: int,
    reference: int,
    nearest: Table,
) -> None:
    """Fills a table that holds NaN, one row a candidate. `similarities` has shape (candidates, best
    and two more): to the best, whose fused scores are `scores`; to the sum of the `first` of them,
    whose product with itself is `square` and the root of that `length`; and to the query. The first
    `reference` candidates are what others are compared with; `nearest` has room for two numbers a
    neighbor."""
    size = len(scores)
    _query(out, similarities, size + 1, reference)
    if len(out) > 1:
        _centroid(out, similarities, size, first, square, length)
    if scores[0] > 0:
        _neighbors(out, similarities, scores, nearest)
