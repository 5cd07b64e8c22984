"""Runs: what a system returned for each query, best first."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from search.errors import BadInput

Run = Mapping[str, Sequence[str]]
"""Query → product ids, best first, each at most once: no scores, therefore no ties."""


def rank_by_score(scores: Mapping[str, float]) -> tuple[str, ...]:
    """Product ids by (−score, id): the one order in which ties are broken everywhere.

    Raises:
        BadInput: a score is NaN, which has no place in an order.
    """
    for product, score in scores.items():
        if math.isnan(score):
            raise BadInput(f"the score of product {product!r} is NaN; leave the product out")
    return tuple(sorted(scores, key=lambda product: (-scores[product], product)))


def random_run(candidates: Mapping[str, Iterable[str]], seed: int) -> dict[str, tuple[str, ...]]:
    """The candidates of each query in a random order: the floor any system must clear.

    The order depends on the seed, the query and the set of its candidates, on nothing else.
    """
    return {query: _shuffled(query, products, seed) for query, products in candidates.items()}


def pool(runs: Iterable[Run]) -> dict[str, tuple[str, ...]]:
    """Query → every product that any of the runs returned for it, by id."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for query, products in run.items():
            found.setdefault(query, set()).update(products)
    return {query: tuple(sorted(products)) for query, products in found.items()}


def _shuffled(query: str, products: Iterable[str], seed: int) -> tuple[str, ...]:
    # hashlib, because hash() of a string differs from process to process.
    digest = hashlib.blake2b(f"{seed}:{query}".encode(), digest_size=8).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "little"))
    ordered = sorted(set(products))
    return tuple(ordered[i] for i in rng.permutation(len(ordered)).tolist())
