"""Boosted trees scored by one kernel, exactly as LightGBM scores them.

Every test becomes `value > threshold` on a column prepared beforehand, so that the kernel knows no
missing values and no categories: its inner loop has no branch. Trees of few leaves are scored by
`rankers.tree_masks`. Through larger ones eight rows walk in lockstep to the tree's depth; a leaf
leads to itself. Siblings lie side by side, so a step is an addition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rankers.tree_masks import Masks
from rankers.tree_text import NAN_MISSING, NO_MISSING, ZERO_MISSING, Tree, read_trees

_LANES = 8
_PLAIN, _NO_NAN, _NO_ZERO, _CATEGORY, _UNKNOWN = 0, 1, 2, 3, 4
"""What a column holds: the value as it is, with 0 for NaN, with NaN for 0, whether its category
goes right; and added to one of the first, whether that is NaN."""
_MODES = {NAN_MISSING: _PLAIN, NO_MISSING: _NO_NAN, ZERO_MISSING: _NO_ZERO}
_BELOW = np.int32(np.array(-np.inf, np.float32).view(np.int32))
"""The bits of what is less than anything."""
_ZERO = np.float32(1e-35)
"""LightGBM's kZeroThreshold: what is not farther from zero is zero."""

_NODE = np.dtype([("column", np.uint32), ("first", np.uint32), ("threshold", np.float32)])
_COLUMN = np.dtype(
    [("feature", np.uint32), ("mode", np.uint32), ("sign", np.float32), ("words", np.uint32),
     ("count", np.uint32)]
)  # fmt: skip
_nodes, _columns = nb.from_dtype(_NODE)[::1], nb.from_dtype(_COLUMN)[::1]


@nb.njit(nogil=True, cache=True)
def _tested(value, column, words):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """What a test on a column compares with its threshold."""
    if abs(value) <= _ZERO:
        value = np.float32(0)
    mode = column.mode & 3
    if mode == _NO_NAN and np.isnan(value):
        value = np.float32(0)
    elif mode == _NO_ZERO and value == 0:
        value = np.float32(np.nan)
    elif mode == _CATEGORY:
        # 1 goes right: unknown, below zero, and whatever the bitset leaves out.
        category = -1 if not abs(value) < 2.0**31 else int(value)
        right = category < 0 or category >> 5 >= column.count
        if not right:
            right = not words[column.words + (category >> 5)] >> (category & 31) & 1
        value = np.float32(right)
    if column.mode & _UNKNOWN:
        value = np.float32(np.isnan(value))
    return value * column.sign


@nb.njit(
    nb.void(nb.float32[:, ::1], _columns, nb.uint32[::1], nb.float32[:, :, ::1]),
    nogil=True,
    cache=True,
)
def _prepare(values, columns, words, prepared):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fills `prepared`, shape (blocks, 8, columns), from `values`, shape (rows, features)."""
    for row in range(values.shape[0]):
        lane = prepared[row // _LANES, row % _LANES]
        for number in range(len(columns)):
            column = columns[number]
            lane[number] = _tested(values[row, column.feature], column, words)


@nb.njit(nogil=True, cache=True)
def _key(bits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A whole number in the order of the float32 of these bits, or back: least and greatest whole
    numbers are found many at once."""
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


@nb.njit(
    nb.void(
        nb.float32[:, ::1], _columns, nb.uint32[::1], nb.float32[:, ::1], nb.int32[:, ::1],
        nb.int32[:, ::1],
    ),
    nogil=True,
    cache=True,
)  # fmt: skip
def _prepare_columns(features, columns, words, prepared, bits, bounds):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fills `prepared`, shape (columns, rows), from `features`, shape (features, rows); `bits` are
    its bits, and `bounds`, shape (2, columns), get those of the least and the greatest value of
    each column, NaN being less than anything."""
    rows = features.shape[1]
    for number in range(len(columns)):
        column = columns[number]
        own, filled, seen = features[column.feature], prepared[number], bits[number]
        if column.mode == _PLAIN:
            for row in range(rows):
                filled[row] = (np.float32(0) if abs(own[row]) <= _ZERO else own[row]) * column.sign
        else:
            for row in range(rows):
                filled[row] = _tested(own[row], column, words)
        least, greatest = np.int32(0x7FFFFFFF), _key(_BELOW)
        for row in range(rows):
            key = _key(_BELOW) if filled[row] != filled[row] else _key(seen[row])
            least, greatest = min(least, key), max(greatest, key)
        bounds[0, number], bounds[1, number] = _key(least), _key(greatest)


@nb.njit(
    nb.void(
        nb.float32[:, :, ::1], _nodes, nb.float64[::1], nb.uint32[::1], nb.int64[::1],
        nb.float64[::1],
    ),
    nogil=True,
    cache=True,
)  # fmt: skip
def _walk(prepared, nodes, leaves, roots, depths, scores):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Adds up each row's leaves, tree after tree in double precision, as LightGBM does."""
    at = np.empty(_LANES, np.uint32)
    sums = np.empty(_LANES, np.float64)
    for block in range(prepared.shape[0]):
        sums[:] = 0
        for tree in range(len(roots)):
            at[:] = roots[tree]
            for _ in range(depths[tree]):
                for lane in range(_LANES):
                    node = nodes[at[lane]]
                    right = prepared[block, lane, node.column] > node.threshold
                    at[lane] = node.first + np.uint32(right)
            for lane in range(_LANES):
                sums[lane] += leaves[at[lane]]
        first = block * _LANES
        for lane in range(min(_LANES, len(scores) - first)):
            scores[first + lane] = sums[lane]


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees laid out for the kernel, each level by level, one after the other. A node's children
    are `first` and `first + 1`, a leaf's `first` is itself; `leaves` has a value for each node, 0
    for inner ones, `counts` how many training rows reached it; `depths` are steps from root to
    deepest leaf. `masks` are the same trees where all have few leaves."""

    features: int
    columns: NDArray[np.void]
    words: NDArray[np.uint32]
    nodes: NDArray[np.void]
    leaves: NDArray[np.float64]
    counts: NDArray[np.float64]
    roots: NDArray[np.uint32]
    depths: NDArray[np.int64]
    masks: Masks | None

    @staticmethod
    def read(text: str, features: int) -> Forest:
        """The forest of LightGBM's text.

        Raises:
            BadInput: as `rankers.tree_text.read_trees`.
        """
        return _Layout().lay(read_trees(text, features), features)

    def score(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum of the trees' leaves for each row, float64 of shape (rows,): bit for bit
        LightGBM's `predict(raw_score=True)`. `values` is float32 of shape (rows, features). The
        GIL is released."""
        if values.ndim != 2 or values.shape[1] != self.features:
            raise ValueError(f"{values.shape} is not (rows, {self.features})")
        if self.masks is not None:
            return self.masks.score(*self._columns(values))
        prepared = self.prepare(values)
        scores = np.empty(len(values), np.float64)
        _walk(prepared, self.nodes, self.leaves, self.roots, self.depths, scores)
        return scores

    def _columns(
        self, values: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What thresholds are compared with, column by column, and the bounds of each (see
        `Masks.score`)."""
        features = np.ascontiguousarray(values.T, np.float32)
        prepared = np.empty((len(self.columns), len(values)), np.float32)
        bounds = np.empty((2, len(self.columns)), np.float32)
        of = self.columns, self.words
        _prepare_columns(features, *of, prepared, prepared.view(np.int32), bounds.view(np.int32))
        return prepared, bounds

    def prepare(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the nodes' thresholds are compared with, float32 of shape (blocks of 8 rows, 8,
        columns); a row goes to a node's second child where its column is above the threshold."""
        blocks = -(-len(values) // _LANES)
        prepared = np.zeros((blocks, _LANES, max(len(self.columns), 1)), np.float32)
        _prepare(np.ascontiguousarray(values, np.float32), self.columns, self.words, prepared)
        return prepared


_Column = tuple[int, int, int, tuple[int, ...]]
"""Feature, mode, sign, and for categories the bitset."""


@dataclass(slots=True)
class _Layout:
    """A forest while it is laid out."""

    columns: dict[_Column, int] = field(default_factory=dict)
    nodes: list[tuple[int, int, float]] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)

    def lay(self, trees: Sequence[Tree], features: int) -> Forest:
        placed = [self._tree(tree) for tree in trees]
        bitsets = [np.array(bitset, np.uint32) for *_, bitset in self.columns]
        starts = np.cumsum([0, *map(len, bitsets)])
        columns = [
            (feature, mode, sign, starts[number], len(bitset))
            for number, (feature, mode, sign, bitset) in enumerate(self.columns)
        ]
        nodes, leaves = np.array(self.nodes, _NODE), np.array(self.leaves, np.float64)
        roots = np.array([root for root, _ in placed], np.uint32)
        return Forest(
            features=features,
            columns=np.array(columns, _COLUMN),
            words=np.concatenate([np.empty(0, np.uint32), *bitsets]),
            nodes=nodes,
            leaves=leaves,
            counts=np.array(self.counts, np.float64),
            roots=roots,
            depths=np.array([depth for _, depth in placed], np.int64),
            masks=Masks.of(nodes, leaves, roots),
        )

    def _tree(self, tree: Tree) -> tuple[int, int]:
        """Lays one tree level by level; its root and its depth."""
        root = self._room(1)
        level, depth = [(0 if len(tree.features) else -1, root)], 0
        while True:
            below: list[tuple[int, int]] = []
            for node, place in level:
                if len(tree.counts):
                    self.counts[place] = float(tree.counts[_row(node, tree)])
                if node < 0:
                    self.nodes[place] = (0, place, np.inf)
                    self.leaves[place] = float(tree.leaves[~node])
                else:
                    below += self._split(tree, node, place)
            if not below:
                return root, depth
            level, depth = below, depth + 1

    def _room(self, size: int) -> int:
        first = len(self.nodes)
        self.nodes += [(0, first, np.inf)] * size
        self.leaves += [0.0] * size
        self.counts += [0.0] * size
        return first

    def _split(self, tree: Tree, node: int, place: int) -> list[tuple[int, int]]:
        """Lays an inner node; where its children are to be laid."""
        feature, left, right = (int(a[node]) for a in (tree.features, tree.left, tree.right))
        first = self._room(2)
        if tree.is_categorical(node):
            bitset = tuple(tree.bitset(node).tolist())
            column: _Column = (feature, _CATEGORY, 1, bitset)
            threshold = 0.5
        else:
            mode, threshold = _MODES[tree.missing(node)], _down(float(tree.thresholds[node]))
            column = (feature, mode, 1, ())
            if mode != _NO_NAN and not tree.default_left(node):
                column, threshold, turned = _unknown_right(feature, mode, threshold)
                left, right = (right, left) if turned else (left, right)
        number = self.columns.setdefault(column, len(self.columns))
        self.nodes[place] = (number, first, threshold)
        return [(left, first), (right, first + 1)]


def _row(node: int, tree: Tree) -> int:
    """Where `counts` has a node: inner ones first, then leaves."""
    return node if node >= 0 else len(tree.features) + ~node


def _unknown_right(feature: int, mode: int, threshold: float) -> tuple[_Column, float, bool]:
    """The test of a node where unknown values go right: its column, its threshold, and whether the
    right child comes first.

    NaN is never greater, so it goes to the first child. Where it should go right, right comes
    first: x <= t is -x > the number just below -t. Nothing is below -inf, which is the threshold
    where known values go left, however great: there the test is whether the value is unknown.
    """
    if threshold == np.inf:
        return (feature, mode | _UNKNOWN, 1, ()), 0.5, False
    below = float(np.nextafter(np.float32(-threshold), np.float32(-np.inf)))
    return (feature, mode, -1, ()), below, True


def _down(threshold: float) -> float:
    """The greatest float32 that is not above a threshold: the same float32 values are below."""
    with np.errstate(over="ignore"):
        rounded = np.float32(threshold)
    # As Python's own numbers: NumPy would round the threshold to compare it.
    above = float(rounded) > threshold
    return float(np.nextafter(rounded, np.float32(-np.inf)) if above else rounded)
