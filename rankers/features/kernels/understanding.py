"""What candidates have in common with the best of them."""

from __future__ import annotations

import numpy as np

from rankers.features.kernels.types import Ints, Singles, Table, f4, i4, kernel, table, whole


@kernel(table, whole, i4, f4, i4)
def fill_shares(out: Table, column: int, ordinals: Ints, scores: Singles, codes: Ints) -> None:
    """Fills, for every candidate, the score-weighted share of the first `len(scores)` ones that
    have its code; itself left out. NaN where its code is unknown."""
    best = len(scores)
    own = np.empty(best, np.int32)
    total = 0.0
    for j in range(best):
        own[j] = codes[ordinals[j]]
        total += scores[j]
    for i in range(len(ordinals)):
        code = codes[ordinals[i]]
        left = total - scores[i] if i < best else total
        if code < 0 or left <= 0:
            continue
        same = 0.0
        for j in range(best):
            if own[j] == code and i != j:
                same += scores[j]
        out[i, column] = same / left
