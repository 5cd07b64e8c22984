"""How near in meaning a product is to the query, and to what else was found.

The best candidates tell what a query means: their centroid is a better query (Rocchio, 1971), and
what is like them is probably relevant too (the cluster hypothesis, Jardine and van Rijsbergen,
1971).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rankers.features import kernels
from rankers.features.declare import Direction, Feature, Group
from rankers.features.inputs import REFERENCE, Inputs

_CENTROID = 10
_NEIGHBORS, _AMONG = 5, 30


def _meaning(name: str, label: str, unit: str, direction: Direction, sentence: str) -> Feature:
    return Feature(name, label, "number", unit, "meaning", sentence, direction)


FEATURES = (
    _meaning(
        "cosine", "nearness in meaning", "cosine", 1, "Similarity of the query and the product."
    ),
    _meaning(
        "cosine_share",
        "share of the best nearness in meaning",
        "share",
        1,
        "The same as a share of the best among the 50 first candidates.",
    ),
    _meaning(
        "centroid_cosine",
        "likeness to the best results",
        "cosine",
        1,
        "Similarity to the mean of the 10 first candidates, itself left out.",
    ),
    _meaning(
        "neighbors_score",
        "strength of the results most like it",
        "share",
        1,
        "Mean fused score of the 5 nearest of the 30 first candidates, as a share of the best.",
    ),
    _meaning(
        "neighbors_cosine",
        "likeness to other results",
        "cosine",
        0,
        "Mean similarity to these 5: how usual the product is among what was found.",
    ),
    _meaning(
        "best_cosine",
        "best nearness in meaning",
        "cosine",
        0,
        "Best similarity of the query to the 50 first.",
    ),
)


def fill(inputs: Inputs, out: NDArray[np.float32]) -> None:
    """See `rankers.features.declare.Group.fill`."""
    vectors, query = inputs.vectors, inputs.pool.vector
    if vectors is None:
        return
    # The first candidates and the query in one product: each call costs microseconds.
    best = vectors[:_AMONG]
    compared = np.empty((len(best) + 2, vectors.shape[1]), np.float32)
    compared[: len(best)] = best
    compared[-2] = best[:_CENTROID].sum(0)
    compared[-1] = np.nan if query is None else query
    square = float(compared[-2] @ compared[-2])
    nearest = np.empty((2, _NEIGHBORS), np.float32)
    scores = inputs.scores[:_AMONG]
    length = max(square, 1e-9) ** 0.5
    kernels.meaning.fill(
        out, vectors @ compared.T, scores, square, length, _CENTROID, REFERENCE, nearest
    )


GROUP = Group("meaning", FEATURES, fill)
