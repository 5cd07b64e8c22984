"""Nearest neighbors among the best candidates."""

from __future__ import annotations

from rankers.features.kernels.types import Singles, Table, f4, helper, kernel, matrix, table, whole


@helper
def _mean(values: Singles) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@kernel(table, whole, matrix, f4, table)
def fill_neighbors(
    out: Table, column: int, similarities: Table, scores: Singles, nearest: Table
) -> None:
    """Fills, for every row of `similarities` (candidates, best and more), the mean of the scores of
    its nearest columns among the best, and the mean similarity to them. A candidate is no neighbor
    of itself: row i is column i. NaN when there are fewer others than
    `nearest` has columns, which is room for their similarities and scores."""
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
            near[place], gained[place] = value, scores[j]
            kept = min(kept + 1, neighbors)
        if kept == neighbors:
            out[i, column] = _mean(gained)
            out[i, column + 1] = _mean(near)
