"""The catalogue's category tree, rolled up to where its products tell categories apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Path = tuple[str, ...]

FEWEST = 3
"""Products a department must have in the sample to be learned at all."""


@dataclass(frozen=True, slots=True)
class Tree:
    """`leaves` are the classes of the model, sorted, so that those below a node are neighbors; a
    path can be a leaf and have leaves below: it then stands for its rare rest. `nodes` are the
    paths of all leaves and of what lies above them, parents before children; the arrays, int64 of
    shape (nodes,), say which leaves a node has (`starts`, `ends`), its level from 1 (`depths`) and
    the place of its parent (-1 for a department). `reportable` are the nodes that say something: a
    department is too wide unless nothing lies below it."""

    leaves: tuple[Path, ...]
    nodes: tuple[Path, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    depths: NDArray[np.int64]
    parents: NDArray[np.int64]
    reportable: NDArray[np.bool_]

    def chances(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of every node, from those of the leaves; both over the last axis."""
        none = np.zeros((*probabilities.shape[:-1], 1))
        sums = np.concatenate([none, probabilities.cumsum(axis=-1)], axis=-1)
        chances: NDArray[np.float64] = sums[..., self.ends] - sums[..., self.starts]
        return np.minimum(1.0, chances)

    def deepest(self, chances: NDArray[np.float64], sure: float) -> int | None:
        """The place of the deepest reportable node with at least this probability, the most
        probable of several; None without."""
        worth = np.where(self.reportable & (chances >= sure), self.depths + chances / 2, 0.0)
        best = int(worth.argmax()) if len(worth) else 0
        return best if len(worth) and worth[best] > 0 else None


def roll_up(paths: Iterable[Path], fewest: int) -> dict[Path, Path]:
    """Every path to its deepest ancestor (or itself) with at least `fewest` products; a path
    without one goes to its department, or nowhere when that has less than `FEWEST`."""
    counts = Counter(paths)
    within: Counter[Path] = Counter()
    for path, n in counts.items():
        for depth in range(1, len(path) + 1):
            within[path[:depth]] += n
    rolled: dict[Path, Path] = {}
    for path in counts:
        sure = [d for d in range(1, len(path) + 1) if within[path[:d]] >= (fewest if d > 1 else 1)]
        if path and within[path[:1]] >= FEWEST:
            rolled[path] = path[: sure[-1]]
    return rolled


def make_tree(leaves: Iterable[Path]) -> Tree:
    """The tree over the given classes."""
    ordered = sorted(set(leaves))
    below: dict[Path, list[int]] = {}
    for place, leaf in enumerate(ordered):
        for depth in range(1, len(leaf) + 1):
            below.setdefault(leaf[:depth], []).append(place)
    paths = sorted(below)
    places = {path: place for place, path in enumerate(paths)}
    starts = np.array([below[path][0] for path in paths], np.int64)
    ends = np.array([below[path][-1] + 1 for path in paths], np.int64)
    depths = np.array([len(path) for path in paths], np.int64)
    parents = np.array([places.get(path[:-1], -1) for path in paths], np.int64)
    reportable = (depths > 1) | (ends - starts == 1)
    return Tree(tuple(ordered), tuple(paths), starts, ends, depths, parents, reportable)
