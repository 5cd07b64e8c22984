"""What each feature adds to the score of boosted trees: exact SHAP values, by one kernel.

They are the values of path-dependent TreeSHAP (Lundberg et al., "Consistent Individualized Feature
Attribution for Tree Ensembles", 2018, algorithm 2), as LightGBM's `pred_contrib` has them, in time
linear in the nodes (Yu et al., "Linear TreeShap", NeurIPS 2022).

A leaf of value v whose path tests d features is worth to feature i: v (o_i - z_i) times the
integral over t from 0 to 1 of the product over the other features j of z_j (1 - t) + o_j t. Here o
is 1 where the row passes every test of the feature on that path, else 0; z is the share of training
rows that do. Integrating weighs the subsets of features as Shapley does, since k! (d-1-k)! / d! is
the integral of t^k (1-t)^(d-1-k); the integrand is a polynomial of degree d - 1, so Gauss-Legendre
quadrature with d / 2 points is exact. At each point the products are carried down the tree, and the
leaves' sums back up; a feature's own factor is divided out again at the edge that tests it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from rankers.trees import Forest

_PASSED, _FAILED, _FAILED_BEFORE = 0, 1, 2
"""What a row does at an edge: passes all tests of its feature so far, fails here, failed above."""
_Floats = NDArray[np.float64]
_Places = NDArray[np.int64]
_places = nb.int64[::1]


_EDGE = np.dtype(
    [("leaf", np.float64), ("threshold", np.float32), ("column", np.uint32),
     ("feature", np.uint32), ("parent", np.uint32), ("before", np.uint32), ("second", np.uint32)]
)  # fmt: skip
"""The edge to a node: what the node is worth if it is a leaf, else 0; the test at `parent`, whose
`second` child it is (1) or not (0); and the next node above whose edge tests the same feature, 0
without. Both are counted from the tree's root."""


@nb.njit(
    nb.void(
        nb.float32[:, ::1], nb.from_dtype(_EDGE)[::1], nb.float64[:, :, ::1],
        nb.float64[:, :, ::1], _places, _places, nb.float64[:, ::1],
    ),
    nogil=True,
    cache=True,
    fastmath={"reassoc", "contract"},
)  # fmt: skip
def _explain(prepared, edges, factors, gains, bounds, points, added):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Adds to `added`, shape (rows, features)."""
    longest = np.diff(bounds).max()
    down = np.ones((longest, factors.shape[2]), np.float64)
    up = np.empty((longest, factors.shape[2]), np.float64)
    states = np.empty(longest, np.uint32)
    for tree in range(len(points)):
        root, end, count = bounds[tree], bounds[tree + 1], points[tree]
        size = end - root
        # One tree at a time, counted from its root: unsigned, so that no index is checked for
        # counting from the end.
        of_tree = edges[root:end]
        factor, gain = factors[root:end], gains[root:end]
        for row in range(added.shape[0]):
            for at in range(1, size):
                edge = of_tree[at]
                second = prepared[row, edge.column] > edge.threshold
                above = np.uint32(_PASSED) if edge.before == 0 else states[edge.before]
                failed = np.uint32(second != (edge.second == 1))
                state = np.uint32(_FAILED_BEFORE) if above else failed
                states[at] = state
                for point in range(count):
                    product = down[edge.parent, point] * factor[at, state, point]
                    down[at, point] = product
                    up[at, point] = product * edge.leaf
            for at in range(size - 1, 0, -1):
                edge, state = of_tree[at], states[at]
                total = 0.0
                for point in range(count):
                    total += up[at, point] * gain[at, state, point]
                    up[edge.parent, point] += up[at, point]
                added[row, edge.feature] += total


@dataclass(frozen=True, slots=True)
class ForestShap:
    """A forest with what explaining it takes.

    `edges` are by node, in the forest's order, as are `factors` and `gains` of shape (nodes, 3,
    most points): what an edge multiplies products by, and what it adds to its feature, for each of
    the three things a row can do there. By tree: `points` of the quadrature, and in `bounds` the
    place of the root, closed by the number of nodes. `base` is what all rows share.
    """

    forest: Forest
    base: float
    edges: NDArray[np.void]
    factors: _Floats
    gains: _Floats
    bounds: _Places
    points: _Places

    @staticmethod
    def of(forest: Forest) -> ForestShap:
        """Prepares to explain a forest; some ten milliseconds for a hundred trees."""
        bounds = np.append(forest.roots, len(forest.nodes)).astype(np.int64)
        parents, seconds = _parents(forest)
        # Trees of one leaf alone have no columns.
        tested = np.append(forest.columns["feature"], np.uint32(0))
        features = tested[forest.nodes["column"][parents]]
        before, different = _before(parents, features)
        points = np.maximum(1, -(-np.maximum.reduceat(different, bounds[:-1]) // 2))
        share = _shares(forest.counts, parents)
        passing = _along(share, before)
        above = np.where(before < 0, 1.0, passing[before])
        factors, gains = _tables(share, passing, above, np.repeat(points, np.diff(bounds)))
        base = float(forest.leaves @ _along(share, parents))
        roots = np.repeat(bounds[:-1], np.diff(bounds))
        edges = np.zeros(len(parents), _EDGE)
        edges["leaf"], edges["feature"], edges["second"] = forest.leaves, features, seconds
        edges["threshold"] = forest.nodes["threshold"][parents]
        edges["column"] = forest.nodes["column"][parents]
        edges["parent"] = np.maximum(parents - roots, 0)
        edges["before"] = np.maximum(before - roots, 0)
        return ForestShap(forest, base, edges, factors, gains, bounds, points)

    def contributions(self, values: NDArray[np.float32]) -> _Floats:
        """What each feature adds to each row's score, float64 of the shape of `values`: with
        `base` they sum to `Forest.score`. The GIL is released."""
        added = np.zeros(values.shape, np.float64)
        prepared = self.forest.prepare(values)
        rows = prepared.reshape(-1, prepared.shape[2])
        _explain(rows, self.edges, self.factors, self.gains, self.bounds, self.points, added)
        return added


def _parents(forest: Forest) -> tuple[_Places, _Places]:
    """Each node's parent, -1 for roots; and 1 for second children, else 0."""
    first = forest.nodes["first"].astype(np.int64)
    inner = np.flatnonzero(first != np.arange(len(first)))
    parents = np.full(len(first), -1, np.int64)
    seconds = np.zeros(len(first), np.int64)
    parents[first[inner]] = inner
    parents[first[inner] + 1] = inner
    seconds[first[inner] + 1] = 1
    return parents, seconds


def _before(parents: _Places, features: NDArray[np.uint32]) -> tuple[_Places, _Places]:
    """For each node the next one above whose edge tests the same feature, -1 without; and how many
    different features are tested on the way to it."""
    before = np.full(len(parents), -1, np.int64)
    different = np.zeros(len(parents), np.int64)
    above, tested = parents.tolist(), features.tolist()
    for node, parent in enumerate(above):
        if parent < 0:
            continue
        found = parent
        while above[found] >= 0 and tested[found] != tested[node]:
            found = above[found]
        if above[found] >= 0:
            before[node] = found
        different[node] = different[parent] + (before[node] < 0)
    return before, different


def _shares(counts: _Floats, parents: _Places) -> _Floats:
    """Of the training rows that reached a node's parent, the share that reached the node; 1 for
    roots."""
    of_all = np.where(parents < 0, counts, counts[parents])
    shares = np.divide(counts, of_all, out=np.zeros_like(counts), where=of_all > 0)
    return np.where(parents < 0, 1.0, shares)


def _along(share: _Floats, above: _Places) -> _Floats:
    """The product of the shares of a node and of those above it."""
    product = share.tolist()
    for node, other in enumerate(above.tolist()):
        if other >= 0:
            product[node] *= product[other]
    return np.array(product, np.float64)


def _tables(
    share: _Floats, passing: _Floats, above: _Floats, points: _Places
) -> tuple[_Floats, _Floats]:
    """`factors` and `gains`, for as many points as each node's tree has; `passing` and `above` are
    z at a node and at the one `before` it."""
    shape = (len(share), 3, int(points.max(initial=1)))
    factors, gains = np.zeros(shape), np.zeros(shape)
    for size in np.unique(points).tolist():
        nodes = np.flatnonzero(points == size)
        factors[nodes, :, :size], gains[nodes, :, :size] = _rule(
            size, *(each[nodes, None] for each in (share, passing, above))
        )
    return factors, gains


def _rule(points: int, share: _Floats, passing: _Floats, above: _Floats) -> tuple[_Floats, _Floats]:
    roots, weights = np.polynomial.legendre.leggauss(points)
    t, weights = (roots + 1) / 2, weights / 2
    now, then = passing * (1 - t) + t, above * (1 - t) + t
    gained = (1 - above) / then
    factors = [now / then, passing * (1 - t) / then, np.broadcast_to(share, now.shape)]
    gains = [(1 - passing) / now - gained, -1 / (1 - t) - gained, np.zeros_like(now)]
    return np.stack(factors, axis=1), weights * np.stack(gains, axis=1)
