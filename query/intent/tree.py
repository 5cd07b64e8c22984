"""The catalogue's category tree, rolled up to where its products tell categories apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str, ...]

FEWEST = 3
"""Products a department must have in the sample to be learned at all."""


@dataclass(frozen=True, slots=True)
class Node:
    """A category: its leaves are `Tree.leaves[start:end]`."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tree:
    """`leaves` are the classes of the model, sorted, so that those below a node are neighbors; a
    path can be a leaf and have leaves below: it then stands for its rare rest. `nodes` are all
    leaves and what lies above them, parents before children."""

    leaves: tuple[Path, ...]
    nodes: tuple[Node, ...]

    @property
    def reportable(self) -> list[bool]:
        """Which nodes say something: a department is too wide unless nothing lies below it."""
        return [len(node.path) > 1 or node.end - node.start == 1 for node in self.nodes]


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
    paths = sorted({leaf[:depth] for leaf in ordered for depth in range(1, len(leaf) + 1)})
    nodes = [Node(path, *_below(ordered, path)) for path in paths]
    return Tree(tuple(ordered), tuple(nodes))


def _below(ordered: Sequence[Path], path: Path) -> tuple[int, int]:
    inside = [i for i, leaf in enumerate(ordered) if leaf[: len(path)] == path]
    return inside[0], inside[-1] + 1


def same_line(one: Path, other: Path) -> bool:
    """Whether one of two categories lies within the other, below the departments or at them when
    one of them is a department itself."""
    depth = min(len(one), len(other))
    return depth > 0 and one[:depth] == other[:depth]
