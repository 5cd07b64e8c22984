"""Logs whose truth is known: shops in which any order can be shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eval.off_policy import (
    Cells,
    ClickLog,
    Examination,
    order_of,
)

DEPTH = 4
CURVE = np.array([1.0, 0.6, 0.35, 0.2])
Row = tuple[int, int, int, int, float, float]


def known(cells: Cells, depth: int) -> Examination:
    """An estimator that knows."""
    return lambda counted: CURVE[:depth]


def log_from(rows: list[Row], queries: list[int]) -> ClickLog:
    """Rows are (unit, search, document, position, click, chance)."""
    columns = list(zip(*rows, strict=True))
    whole = [np.array(columns[i], np.int32) for i in (0, 1, 2, 3)]
    return ClickLog(
        whole[0],
        whole[1],
        whole[2],
        whole[3],
        np.array(columns[4], np.float64),
        np.array(columns[5], np.float64),
        np.array(queries, np.int32),
    )


def shop(
    searches: int, seed: int, queries: int = 12, candidates: int = 6, swaps: bool = True
) -> tuple[ClickLog, NDArray[np.float64]]:
    """Pages of four of six products, by chance or always the same; and what attracts."""
    rng = np.random.default_rng(seed)
    attraction = np.random.default_rng(99).uniform(0.05, 0.8, (queries, candidates))
    asked = np.sort(rng.integers(queries, size=searches))
    order = np.argsort(rng.random((searches, candidates)) + 0.15 * np.arange(candidates), axis=1)
    page = (order if swaps else np.tile(np.arange(candidates), (searches, 1)))[:, :DEPTH]
    clicks = rng.random(page.shape) < CURVE * attraction[asked[:, None], page]
    numbers, documents = np.unique(asked[:, None] * candidates + page, return_inverse=True)
    row = np.repeat(np.arange(searches, dtype=np.int32), DEPTH)
    log = ClickLog(
        row,
        row,
        documents.ravel().astype(np.int32),
        np.tile(np.arange(1, DEPTH + 1, dtype=np.int32), searches),
        clicks.ravel().astype(np.float64),
        np.ones(len(row)),
        (numbers // candidates).astype(np.int32),
    )
    return log, attraction.ravel()[numbers]


def truth(log: ClickLog, attraction: NDArray[np.float64]) -> float:
    """Clicks a search of the best order."""
    places = order_of(log, attraction).places
    worth_of = np.where(places >= 0, CURVE[places], 0.0) * attraction
    asked = np.bincount(log.queries[log.documents]) / len(log)
    return float(asked @ np.bincount(log.queries, worth_of))


def logged_truth(log: ClickLog, attraction: NDArray[np.float64]) -> float:
    """Clicks a search to expect of what was shown."""
    return float((CURVE[log.positions - 1] * attraction[log.documents]).sum() * DEPTH / len(log))


def exploring(searches: int, seed: int) -> tuple[ClickLog, NDArray[np.float64]]:
    """One query's four products; the first two and the last two change places half of the time."""
    rng = np.random.default_rng(seed)
    attraction = np.array([0.3, 0.7, 0.2, 0.5])
    first, last = (rng.random(searches) < 0.5 for _ in range(2))
    page = np.tile(np.arange(4), (searches, 1))
    page[first, :2], page[last, 2:] = [1, 0], [3, 2]
    clicks = rng.random(page.shape) < CURVE * attraction[page]
    row = np.repeat(np.arange(searches, dtype=np.int32), 4)
    positions = np.tile(np.arange(1, 5, dtype=np.int32), searches)
    log = ClickLog(
        row, row, page.ravel().astype(np.int32), positions, clicks.ravel().astype(np.float64),
        np.full(len(row), 0.5), np.zeros(4, np.int32),
    )  # fmt: skip
    return log, attraction
