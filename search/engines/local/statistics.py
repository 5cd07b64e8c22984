"""What is usual in a catalogue, computed once when it is built; live changes do not move it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import load
from search.types import Statistics

_ENOUGH = 5
"""The least priced products that a category's median is made of."""


def write_statistics(
    directory: Path,
    category_price: NDArray[np.float32],
    price: NDArray[np.float32],
    rating: NDArray[np.float32],
) -> None:
    """Writes what is usual among products, whose numbers are by ordinal, NaN where unknown."""
    known = rating[rating == rating]
    usual = [_median(price), float(known.mean(dtype=np.float64)) if len(known) else np.nan]
    np.save(directory / "category_price.npy", category_price)
    np.save(directory / "usual.npy", np.array(usual))


def read_statistics(directory: Path) -> Statistics:
    """What `write_statistics` wrote."""
    price, rating = np.load(directory / "usual.npy").tolist()
    return Statistics(load(directory / "category_price.npy"), price, rating)


def extended(statistics: Statistics, categories: int) -> Statistics:
    """The same for a catalogue that has more categories by now, whose prices are unknown."""
    prices = np.full(categories, np.nan, np.float32)
    known = min(categories, len(statistics.category_price))
    prices[:known] = statistics.category_price[:known]
    return Statistics(prices, statistics.price, statistics.rating)


def category_prices(
    price: NDArray[np.float32], categories: NDArray[np.int32], paths: Sequence[Sequence[str]]
) -> NDArray[np.float32]:
    """The median price of each category, of all products within it; where fewer than `_ENOUGH` have
    a price, that of the nearest category above with enough, else NaN.

    `price` is by ordinal, NaN where unknown; so are `categories`, places in `paths`, -1 where
    unknown; a path begins at the root. The result is by place, float32.
    """
    priced = (price == price) & (categories >= 0)
    prices, leaves = price[priced], categories[priced]
    found = np.full(len(paths), np.nan, np.float32)
    for depth in range(1, max(map(len, paths), default=0) + 1):
        # From the root downward, so that a deeper level with enough products has the last word.
        groups = _ancestors(paths, depth)
        own = _medians(prices, groups[leaves], len(paths))[groups]
        found = np.where((groups >= 0) & ~np.isnan(own), own, found)
    return found


def _ancestors(paths: Sequence[Sequence[str]], depth: int) -> NDArray[np.int64]:
    """A number for each path's first `depth` levels, -1 for shorter ones."""
    known: dict[tuple[str, ...], int] = {}
    found = (
        known.setdefault(tuple(path[:depth]), len(known)) if len(path) >= depth else -1
        for path in paths
    )
    return np.fromiter(found, np.int64, len(paths))


def _medians(
    prices: NDArray[np.float32], groups: NDArray[np.int64], count: int
) -> NDArray[np.float32]:
    """The median of each group with enough prices, NaN for others; group -1 is left out."""
    kept = groups >= 0
    prices, groups = prices[kept], groups[kept]
    ordered = prices[np.lexsort((prices, groups))]
    sizes = np.bincount(groups, minlength=count)
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    enough = sizes >= _ENOUGH
    low = starts[enough] + (sizes[enough] - 1) // 2
    high = starts[enough] + sizes[enough] // 2
    medians = np.full(count, np.nan, np.float32)
    medians[enough] = (ordered[low] + ordered[high]) / 2
    return medians


def _median(numbers: NDArray[np.float32]) -> float:
    known = numbers[numbers == numbers]
    return float(np.median(known)) if len(known) else np.nan
