"""Judged queries made from a seed, with a known truth: what the fused order misses, a feature
knows."""

from __future__ import annotations

import numpy as np

from training import JudgedQuery, Schema, Tables, stack

NAMES = ("fused_share", "knows", "opposite", "noise", "often_missing", "kind")
SCHEMA = Schema(
    names=NAMES,
    directions=np.array([1, 1, -1, 0, 0, 0], np.int8),
    categories=(5,),
    start=np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    version="made",
)
GAINS = np.array([0.0, 0.01, 0.1, 1.0])


def made(queries: int = 40, candidates: int = 30, *, signal: float = 1.0, seed: int = 0) -> Tables:
    """`signal` is how much the feature `knows` tells of what the fused score does not."""
    rng = np.random.default_rng(seed)
    return stack([_query(i, candidates, signal, rng) for i in range(queries)], SCHEMA)


def _query(number: int, size: int, signal: float, rng: np.random.Generator) -> JudgedQuery:
    seen, hidden = rng.normal(size=size), rng.normal(size=size)
    worth = seen + hidden + 0.5 * rng.normal(size=size)
    levels = np.searchsorted(np.quantile(worth, (0.5, 0.7, 0.85)), worth)
    gains = np.where(rng.random(size) < 0.6, GAINS[levels], np.nan)
    gains[int(np.argmax(worth))] = 1.0
    fused = np.exp(seen / 2)
    values = np.column_stack(
        [
            fused / fused.max(),
            signal * hidden + rng.normal(size=size) * 0.3,
            -seen + rng.normal(size=size),
            rng.normal(size=size),
            np.where(rng.random(size) < 0.7, np.nan, rng.normal(size=size)),
            np.full(size, number % 3),
        ]
    )
    order = np.argsort(-fused, kind="stable")
    gains = gains[order]
    return JudgedQuery(
        query=f"query {number}",
        products=tuple(f"p{number}-{i}" for i in order.tolist()),
        values=values[order].astype(np.float32),
        gains=gains,
        fused=fused[order],
        named=np.zeros(size, np.bool_),
        judged=np.append(gains[~np.isnan(gains)], [1.0, 0.1]),
        absent=np.empty(0),
    )
