"""How fast a model is scored, beside LightGBM's own predict, in one run on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from api.bench.latency import Percentiles
from api.bench.ranker_model import learned_trees, noise
from api.bench.tables import table
from rankers.trees import Forest

ROWS = (200, 1000)
_WARM = 10


def measure_scoring(
    trees: int = 300, leaves: int = 31, features: int = 60, rounds: int = 300
) -> dict[str, Any]:
    """Milliseconds to score some rows with trees learned from noise, a tenth of it unknown; how far
    the scores are from LightGBM's, and whether the order is the same."""
    import lightgbm

    values, gains = noise(features)
    text = learned_trees(values, gains, trees, leaves)
    booster, forest = lightgbm.Booster(model_str=text), Forest.read(text, features)

    def by_lightgbm(rows: np.ndarray) -> np.ndarray:
        return np.asarray(booster.predict(rows, raw_score=True, num_threads=1))

    sizes = []
    for size in ROWS:
        rows = np.ascontiguousarray(values[:size])
        ours, theirs = _alternating(rows, forest.score, by_lightgbm, rounds)
        scores, expected = forest.score(rows), by_lightgbm(rows)
        sizes.append({
            "rows": size,
            "kernel": _spent(ours),
            "lightgbm": _spent(theirs),
            "ratio": round(float(np.median(theirs) / np.median(ours)), 2),
            "difference": float(np.abs(scores - expected).max()),
            "same_order": bool((np.argsort(-scores) == np.argsort(-expected)).all()),
        })  # fmt: skip
    return {"trees": trees, "leaves": leaves, "features": features, "sizes": sizes}


def _alternating(
    rows: np.ndarray,
    one: Callable[[np.ndarray], np.ndarray],
    other: Callable[[np.ndarray], np.ndarray],
    rounds: int,
) -> tuple[list[float], list[float]]:
    """Milliseconds of both, turn by turn, so that a busy moment hits both."""
    spent: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + _WARM):
        for score, into in zip((one, other), spent, strict=True):
            started = time.perf_counter()
            score(rows)
            if number >= _WARM:
                into.append((time.perf_counter() - started) * 1000)
    return spent


def _spent(milliseconds: list[float]) -> dict[str, float]:
    found = Percentiles.of(milliseconds)
    return {"p50": found.p50, "p99": found.p99, "least": round(min(milliseconds), 3)}


def scoring_table(result: dict[str, Any]) -> str:
    """The kernel beside LightGBM's own predict."""
    rows = [
        [
            size["rows"],
            *(size["kernel"][name] for name in ("p50", "p99", "least")),
            *(size["lightgbm"][name] for name in ("p50", "least")),
            f"{size['ratio']:.1f}",
            f"{size['difference']:.0e}" if size["difference"] else "none",
            "yes" if size["same_order"] else "no",
        ]
        for size in result["sizes"]
    ]
    head = ["rows", "kernel p50", "p99", "least", "LightGBM p50", "least", "times as fast",
            "difference", "same order"]  # fmt: skip
    title = f"{result['trees']} trees of {result['leaves']} leaves, {result['features']} features"
    return f"### Scoring, milliseconds ({title}, one core)\n\n{table(head, rows)}"
