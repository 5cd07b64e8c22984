"""Pools to compute features of."""

from __future__ import annotations

import numpy as np

from search.types import (
    Pool,
    Query,
    Ranking,
)
from tests.rankers.facts import HandFacts, Item


def random_facts(size: int, seed: int = 0) -> tuple[HandFacts, Pool]:
    """Products with everything known, the last of them added live, and a pool of them."""
    rng = np.random.default_rng(seed)
    words = ["kettle", "steel", "lid", "for", "red", "with"]
    vectors = rng.normal(size=(size, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    items = [
        Item(
            " ".join(rng.choice(words, rng.integers(0, 8))),
            " ".join(rng.choice(words, rng.integers(0, 20))),
            brand=f"brand{rng.integers(5)}",
            category=f"category{rng.integers(3)}",
            numbers={
                "price": rng.uniform(1, 99),
                "rating": 4.0,
                "rating_count": float(rng.integers(9)),
            },
            vector=vector.tolist(),
        )
        for vector in vectors
    ]
    query = Query("red kettle", "red kettle", ("red", "kettle"), corrected="red kettle")
    scores = np.sort(rng.random(size).astype(np.float32))[::-1].copy()
    ranking = Ranking(rng.permutation(size).astype(np.int32), scores)
    stages = {"words": ranking.head(size // 2), "meaning": ranking, "fused": ranking}
    pool = Pool(query, ranking, stages, np.array(vectors[0], np.float32))
    return HandFacts(items, size - 5), pool
