"""Nearest neighbors among the best candidates."""

from __future__ import annotations

import numpy as np

from rankers.features.kernels.types import Singles, Table, f4, kernel, matrix, table, whole


@kernel(table, whole, matrix, f4, whole)
def fill_neighbors(
    out: Table, column: int, similarities: Table, scores: Singles, neighbors: int
) -> None:
    """Fills, for every row of `similarities` (candidates, best and more), the mean of the scores of
    its nearest columns among the best, and the mean similarity to them. A candidate is no neighbor
    of itself: row i is column i. NaN when there are fewer than `neighbors` others."""
    size = len(scores)
    near, gained = np.empty(neighbors, np.float32), np.empty(neighbors, np.float32)
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
            near[place], gained[place] = value, scores[j]
            kept = min(kept + 1, neighbors)
        if kept == neighbors:
            out[i, column] = gained.sum() / neighbors
            out[i, column + 1] = near.sum() / neighbors
