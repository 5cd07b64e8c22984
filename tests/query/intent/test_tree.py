"""The category tree: rolling rare paths up, and reporting the deepest category that is sure."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from query.intent.categories import report
from query.intent.titles import head
from query.intent.tree import make_tree, roll_up
from search.types import Product

PANTS, SHIRTS, KETTLES = ("Wear", "Men", "Pants"), ("Wear", "Men", "Shirts"), ("Home", "Kettles")
TREE = make_tree([PANTS, SHIRTS, KETTLES])
"""Classes in order: kettles, pants, shirts."""


def test_rare_paths_go_to_the_ancestor_with_enough_products() -> None:
    paths = [PANTS] * 6 + [SHIRTS] * 2 + [KETTLES] * 4
    assert roll_up(paths, 5) == {PANTS: PANTS, SHIRTS: ("Wear", "Men"), KETTLES: ("Home",)}


def test_a_department_with_hardly_a_product_is_left_out() -> None:
    assert roll_up([("Odd", "Thing")] * 2 + [PANTS] * 9, 5) == {PANTS: PANTS}


def test_a_sure_leaf_is_reported() -> None:
    found = report(TREE, np.array([0.05, 0.9, 0.05]), 0.7)
    assert [each.path for each in found] == [PANTS]


def test_leaves_that_share_are_reported_as_their_parent_then_themselves() -> None:
    found = report(TREE, np.array([0.05, 0.55, 0.4]), 0.7)
    assert [each.path for each in found] == [("Wear", "Men"), PANTS, SHIRTS]
    assert found[0].probability > 0.9


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), st.floats(0.2, 0.95))
def test_what_is_reported_is_what_the_tree_says(shares: list[float], sure: float) -> None:
    probabilities = np.array(shares) / sum(shares)
    chances = TREE.chances(probabilities)
    best = TREE.deepest(chances, sure)
    found = report(TREE, probabilities, sure)
    assert [each.path for each in found[:1]] == ([] if best is None else [TREE.nodes[best]])
    for each in found:
        assert each.probability == chances[TREE.nodes.index(each.path)]


def test_nothing_sure_is_nothing_reported() -> None:
    assert report(TREE, np.array([0.4, 0.35, 0.25]), 0.7) == ()


@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple), max_size=60),
    st.integers(1, 9),
)
def test_every_rolled_path_is_an_ancestor_and_nodes_hold_their_leaves(
    paths: list[tuple[str, ...]], fewest: int
) -> None:
    rolled = roll_up(paths, fewest)
    assert all(path[: len(up)] == up for path, up in rolled.items())
    tree = make_tree(rolled.values())
    for node, start, end in zip(tree.nodes, tree.starts, tree.ends, strict=True):
        inside = [leaf for leaf in tree.leaves if leaf[: len(node)] == node]
        assert list(tree.leaves[start:end]) == inside


def test_the_head_of_a_title_ends_with_the_thing() -> None:
    def ends(title: str, brand: str = "") -> str:
        return head(Product("1", title, brand=brand)).words[-1]

    assert ends("Acme Electric Kettle, 1.5 l, red", "Acme") == "kettle"
    assert ends("10 ft VGA Cable - HD15") == "cable"
    assert ends("Leather Belt for Men") == "belt"
    assert ends("Juno Skillet (9.4 Inch, Sage)") == "skillet"
