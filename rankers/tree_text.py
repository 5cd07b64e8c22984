"""LightGBM's text of a boosted model, read without LightGBM.

The format is that of `src/io/gbdt_model_text.cpp` and `src/io/tree.cpp`: a header of `name=value`
lines, then one block a tree, then `end of trees`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

_TREE = "Tree="
_END = "end of trees"
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_SHIFT = 2
NO_MISSING, ZERO_MISSING, NAN_MISSING = 0, 1, 2
"""What counts as unknown in a split: nothing (NaN is 0), zero (and NaN), or NaN."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree. Inner node n tests `features[n]`; a child c below 0 is the leaf ~c.

    `counts` says how many training rows reached each inner node, then each leaf; `decisions` holds
    LightGBM's bits. The threshold of a categorical node is the number of its
    bitset, `words[boundaries[t]:boundaries[t + 1]]`, 32 categories a word.
    """

    features: NDArray[np.int32]
    thresholds: NDArray[np.float64]
    decisions: NDArray[np.uint8]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    leaves: NDArray[np.float64]
    counts: NDArray[np.float64]
    boundaries: NDArray[np.int64]
    words: NDArray[np.uint32]

    def is_categorical(self, node: int) -> bool:
        """Whether a node asks for one of several categories."""
        return bool(self.decisions[node] & _CATEGORICAL)

    def default_left(self, node: int) -> bool:
        """Where unknown values go."""
        return bool(self.decisions[node] & _DEFAULT_LEFT)

    def missing(self, node: int) -> int:
        """`NO_MISSING`, `ZERO_MISSING` or `NAN_MISSING`."""
        return int(self.decisions[node]) >> _MISSING_SHIFT & 3

    def bitset(self, node: int) -> NDArray[np.uint32]:
        """The categories of a categorical node that go left."""
        number = int(self.thresholds[node])
        return self.words[self.boundaries[number] : self.boundaries[number + 1]]


def read_trees(text: str, features: int) -> tuple[Tree, ...]:
    """The trees over `features` columns, in LightGBM's order.

    Raises:
        BadInput: the text is cut off or altered, is of another number of columns, or holds what
            cannot be scored here (several classes, averaged forests, linear trees); says which.
    """
    header, *blocks = text.split("\n" + _TREE)
    _check_header(header, features)
    if not blocks or _END not in blocks[-1]:
        raise _fault("they end before their end", "copy the model file again, whole")
    return tuple(_tree(number, block, features) for number, block in enumerate(blocks))


def _check_header(header: str, features: int) -> None:
    if header.split("\n", 1)[0].strip() != "tree":
        raise _fault("they do not begin as LightGBM's text", "save them with model_to_string")
    known = dict(_members(header))
    if known.get("num_tree_per_iteration") != "1" or known.get("num_class") != "1":
        raise _fault("they score several classes", "train with one output, such as lambdarank")
    if "average_output" in header.split("\n"):
        raise _fault("they are averaged (a random forest)", "train with boosting=gbdt")
    try:
        columns = int(known["max_feature_idx"]) + 1
    except (KeyError, ValueError):
        raise _fault("max_feature_idx is missing", "copy the model file again, whole") from None
    if columns != features:
        raise _fault(
            f"they were trained on {columns} features, the model names {features}",
            "train and save the model again",
        )


def _members(block: str) -> Iterator[tuple[str, str]]:
    for line in block.split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            yield name, value
        elif line.strip() == _END:
            return


def _tree(number: int, block: str, features: int) -> Tree:
    if block.split("\n", 1)[0].strip() != str(number):
        raise _fault(f"tree {number} is missing", "copy the model file again, whole")
    members = dict(_members(block))
    if members.get("is_linear", "0") != "0":
        raise _fault(f"tree {number} is a linear tree", "train with linear_tree=false")
    try:
        tree = _parsed(members)
    except (KeyError, ValueError, OverflowError) as error:
        raise _fault(f"tree {number} cannot be read ({error})", "train the model again") from None
    fault = _fault_of(tree, features)
    if fault:
        raise _fault(f"tree {number}: {fault}", "train the model again")
    return tree


def _parsed(members: Mapping[str, str]) -> Tree:
    leaves = int(members["num_leaves"])
    inner = leaves - 1
    bitsets = int(members["num_cat"]) if inner else 0

    def numbers(name: str, size: int | None, kind: type[np.generic]) -> NDArray[Any]:
        found = np.array(members[name].split() if size != 0 else [], dtype=kind)
        if size is not None and len(found) != size:
            raise ValueError(f"{name} has {len(found)} entries, {size} expected")
        return found

    return Tree(
        features=numbers("split_feature", inner, np.int32),
        thresholds=numbers("threshold", inner, np.float64),
        decisions=numbers("decision_type", inner, np.uint8),
        left=numbers("left_child", inner, np.int32),
        right=numbers("right_child", inner, np.int32),
        leaves=numbers("leaf_value", leaves, np.float64),
        # LightGBM counts nothing in a tree of one leaf.
        counts=np.concatenate(
            [
                numbers("internal_count", inner, np.float64),
                numbers("leaf_count", leaves if inner else 0, np.float64),
            ]
        ),
        boundaries=numbers("cat_boundaries", bitsets + 1 if bitsets else 0, np.int64),
        words=numbers("cat_threshold", None if bitsets else 0, np.uint32),
    )


def _fault_of(tree: Tree, features: int) -> str:
    """What a walk through the tree would stumble over; "" when nothing."""
    inner, leaves = len(tree.features), len(tree.leaves)
    children = np.sort(np.concatenate([tree.left, tree.right]))
    # Every node but the root is somebody's child, once; and no parent comes after its child, so
    # that there are no circles.
    first = -leaves if inner else 0
    expected = np.concatenate([np.arange(first, 0), np.arange(1, inner)])
    if not np.array_equal(children, expected):
        return "its nodes do not make a tree"
    nodes = np.arange(inner)
    if any(((side >= 0) & (side <= nodes)).any() for side in (tree.left, tree.right)):
        return "its nodes do not make a tree"
    if ((tree.features < 0) | (tree.features >= features)).any():
        return "it tests a feature that the model does not name"
    if not np.isfinite(tree.leaves).all() or np.isnan(tree.thresholds).any():
        return "a leaf or a threshold is not a number"
    if not (np.isfinite(tree.counts) & (tree.counts >= 0)).all():
        return "a count of its rows is not a number"
    return _fault_of_bitsets(tree)


def _fault_of_bitsets(tree: Tree) -> str:
    categorical = (tree.decisions & _CATEGORICAL).astype(np.bool_)
    bounds = tree.boundaries
    if len(bounds) and (
        bounds[0] != 0 or bounds[-1] != len(tree.words) or (np.diff(bounds) < 0).any()
    ):
        return "its categories do not fit their bounds"
    asked = tree.thresholds[categorical]
    if ((asked < 0) | (asked >= max(len(bounds) - 1, 0))).any():
        return "it tests categories that it does not list"
    return ""


def _fault(what: str, remedy: str) -> BadInput:
    return BadInput(f"the model's trees cannot be used: {what}; {remedy}", field="trees")
