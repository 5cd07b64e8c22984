"""Trees of few leaves scored without walking them.

Every test of a tree is made on all rows at once: where it sends a row to its second child, the
leaves below its first are ruled out. Of the leaves that remain, the first is the row's (Lucchese et
al., "QuickScorer: a fast algorithm to rank documents with additive ensembles of regression trees",
SIGIR 2015). No read depends on the test before it, so the processor makes a test on many rows at
once: more tests than on the way to one leaf, in less than half the time.

The candidates of one query are alike: of much they all have the same (what the query itself is
like), and the rest lies close together. So a test is first made on the least and the greatest value
of its column; of ten tests eight or nine send all rows the same way and are made once, not on rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

MOST_LEAVES = 32
"""Leaves of a tree that a mask has room for."""
_EXPONENT, _BIAS = 23, 127
"""Where a float32 keeps the place of its highest bit, and what is added to it there."""
_ONE = np.uint32(1)

_TEST = np.dtype([("column", np.uint32), ("kept", np.uint32), ("threshold", np.float32)])
_tests = nb.from_dtype(_TEST)[::1]


@nb.njit(nogil=True, cache=True)
def _leaf(mask, first, leaves, lowest, bits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The value of the first leaf of a mask; its place is the exponent of the mask's lowest bit. As
    a signed number the highest bit is below zero, which only sets the sign."""
    lowest[0] = np.float32(np.int32(mask & (~mask + _ONE)))
    return leaves[first + ((bits[0] >> _EXPONENT) & 255)]


@nb.njit(nogil=True, cache=True)
def _ask_bounds(tests, start, end, bounds, unsure):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The leaves that remain after the tests that send all rows the same way, and how many others
    there are, whose places are filled into `unsure`."""
    every, count = np.uint32(0xFFFFFFFF), 0
    for number in range(start, end):
        test = tests[number]
        if not bounds[1, test.column] > test.threshold:
            continue
        if bounds[0, test.column] > test.threshold:
            every &= test.kept
            continue
        unsure[count] = number
        count += 1
    return every, count


@nb.njit(nogil=True, cache=True)
def _ask_rows(columns, tests, unsure, every, remaining):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fills the leaves that remain of `every` for each row after the tests at `unsure`."""
    remaining[:] = every
    for number in unsure:
        test = tests[number]
        values, threshold, kept = columns[test.column], test.threshold, test.kept
        for row in range(len(remaining)):
            remaining[row] &= kept if values[row] > threshold else np.uint32(0xFFFFFFFF)


@nb.njit(
    nb.void(
        nb.float32[:, ::1], nb.float32[:, ::1], _tests, nb.int64[::1], nb.float64[::1],
        nb.int64[::1], nb.uint32[::1], nb.float32[::1], nb.int32[::1], nb.float64[::1],
    ),
    nogil=True,
    cache=True,
)  # fmt: skip
def _score(columns, bounds, tests, ends, leaves, firsts, remaining, lowest, bits, scores):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Adds up each row's leaves, tree after tree in double precision. `columns` has shape (columns,
    rows), `bounds` (2, columns); `remaining` and `lowest` are room for a number a row, `bits` the
    bits of `lowest`."""
    start, rows = 0, len(scores)
    unsure = np.empty(MOST_LEAVES, np.int64)
    for tree in range(len(ends)):
        every, count = _ask_bounds(tests, start, ends[tree], bounds, unsure)
        start, first = ends[tree], firsts[tree] - _BIAS
        if count > 1:
            _ask_rows(columns, tests, unsure[:count], every, remaining)
            for row in range(rows):
                lowest[row] = np.float32(np.int32(remaining[row] & (~remaining[row] + _ONE)))
            for row in range(rows):
                scores[row] += leaves[first + ((bits[row] >> _EXPONENT) & 255)]
            continue
        left = _leaf(every, first, leaves, lowest, bits)
        if not count:
            for row in range(rows):
                scores[row] += left
            continue
        test = tests[unsure[0]]
        values, threshold = columns[test.column], test.threshold
        right = _leaf(every & test.kept, first, leaves, lowest, bits)
        for row in range(rows):
            scores[row] += right if values[row] > threshold else left


@dataclass(frozen=True, slots=True)
class Masks:
    """Trees as tests. `tests` are those of one tree after another, up to `ends`, each with the
    leaves that remain where it sends a row to its second child; `leaves` are the trees' values from
    first to last child, the ones of a tree from `firsts` on."""

    tests: NDArray[np.void]
    ends: NDArray[np.int64]
    leaves: NDArray[np.float64]
    firsts: NDArray[np.int64]

    @staticmethod
    def of(
        nodes: NDArray[np.void], leaves: NDArray[np.float64], roots: NDArray[np.uint32]
    ) -> Masks | None:
        """Those of a forest (see `rankers.trees.Forest`); None when a tree has too many leaves."""
        first = nodes["first"].tolist()
        tests: list[tuple[int, int, float]] = []
        ends, firsts = [], []
        values: list[float] = []
        for root in roots.tolist():
            firsts.append(len(values))
            below, own = _leaves_below(first, root)
            if len(own) > MOST_LEAVES:
                return None
            values += [float(leaves[leaf]) for leaf in own]
            for node, (start, end) in below.items():
                kept = 0xFFFFFFFF & ~((1 << end) - (1 << start))
                tests.append((int(nodes[node]["column"]), kept, float(nodes[node]["threshold"])))
            ends.append(len(tests))
        return Masks(
            np.array(tests, _TEST),
            np.array(ends, np.int64),
            np.array(values, np.float64),
            np.array(firsts, np.int64),
        )

    def score(
        self, columns: NDArray[np.float32], bounds: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """The sum of the trees' leaves for each row, float64 of shape (rows,); `columns` is what
        the tests look at, float32 of shape (columns, rows), and `bounds` the least and the greatest
        value of each, float32 of shape (2, columns). NaN is less than anything. The GIL is
        released."""
        rows = columns.shape[1]
        scores, lowest = np.zeros(rows), np.empty(max(rows, 1), np.float32)
        remaining, bits = np.empty(rows, np.uint32), lowest.view(np.int32)
        _score(
            columns,
            bounds,
            self.tests,
            self.ends,
            self.leaves,
            self.firsts,
            remaining,
            lowest,
            bits,
            scores,
        )
        return scores


def _leaves_below(first: list[int], root: int) -> tuple[dict[int, tuple[int, int]], list[int]]:
    """For every inner node of a tree the run of leaves below its first child, and the leaves."""
    below: dict[int, tuple[int, int]] = {}
    leaves: list[int] = []
    open_nodes = [(root, False)]
    starts: dict[int, int] = {}
    while open_nodes:
        node, passed = open_nodes.pop()
        if passed:
            below[node] = (starts[node], len(leaves))
        elif first[node] == node:
            leaves.append(node)
        else:
            starts[node] = len(leaves)
            open_nodes += [(first[node] + 1, False), (node, True), (first[node], False)]
    return below, leaves
