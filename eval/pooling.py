"""Pools for judging: what any system found near the top, without saying which system or where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from eval.runs import Run, pool
from search.errors import BadInput


def pool_runs(runs: Mapping[str, Run], depth: int) -> dict[str, tuple[str, ...]]:
    """Query → the products among the first `depth` of any run, by id; queries for which no run
    found anything are left out. Depth-k pooling: Spärck Jones & van Rijsbergen, "Report on the need
    for and provision of an 'ideal' information retrieval test collection" (1975).

    Raises:
        BadInput: the depth is not positive, or nothing was found for any query.
    """
    if depth < 1:
        raise BadInput(f"a depth of {depth} pools nothing; give 1 or more", field="depth")
    found = pool(_cut(run, depth) for run in runs.values())
    pooled = {query: products for query, products in found.items() if products}
    if not pooled:
        raise BadInput("no system found anything for any of the queries", field="systems")
    return pooled


def contributions(runs: Mapping[str, Run], depth: int) -> dict[str, tuple[int, int]]:
    """Each run's pooled pairs of query and product, and how many of these no other run brought."""
    pairs = {name: _pairs(_cut(run, depth)) for name, run in runs.items()}
    return {
        name: (len(own), len(own.difference(*(pairs[other] for other in pairs if other != name))))
        for name, own in pairs.items()
    }


def blind_order(products: Iterable[str], *seeds: str) -> tuple[str, ...]:
    """The products in an order that depends on the seeds and their own ids, on nothing else: the
    same today and tomorrow, in every process, and unrelated to how any system ranked them."""
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    prefix = "".join(f"{len(seed)}:{seed}" for seed in seeds)
    return tuple(
        sorted(set(products), key=lambda each: (blake2b(f"{prefix}{each}".encode()).digest(), each))
    )


def _cut(run: Run, depth: int) -> Run:
    return {query: products[:depth] for query, products in run.items()}


def _pairs(run: Run) -> set[tuple[str, str]]:
    return {(query, product) for query, products in run.items() for product in products}
