"""The scores of a whole ranking, of which a model scored the first."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

_MAGNITUDE, _SIGN = 0x7FFFFFFF, 0x80000000


@nb.njit(
    nb.void(nb.float64[::1], nb.float32[::1], nb.float32[::1], nb.int32[::1]),
    nogil=True,
    cache=True,
)
def _fall(best, rest, scores, bits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fills `scores`, whose bits are `bits`."""
    for place in range(len(best)):
        scores[place] = best[place]
    for place in range(len(rest)):
        scores[len(best) + place] = scores[len(best) - 1] - (rest[0] - rest[place])
    before = np.int64(0)
    for place in range(len(scores)):
        scores[place] += np.float32(0)  # -0 becomes 0
        # Whole numbers in the order of float32 values, neighbors one apart.
        found = np.int64(bits[place])
        key = -(found & _MAGNITUDE) if found < 0 else found
        before = key = min(before - 1, key) if place else key
        bits[place] = np.int32((-key if key < 0 else key) | (-_SIGN if key < 0 else 0))


def falling(best: NDArray[np.float64], rest: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scores of a whole ranking: the model's, then those of the rest brought below them.

    Each is below the one before it, if only by the last bit of a float32: whoever orders by score
    alone gets the very same order.
    """
    scores = np.empty(len(best) + len(rest), np.float32)
    _fall(best, np.ascontiguousarray(rest, np.float32), scores, scores.view(np.int32))
    return scores
