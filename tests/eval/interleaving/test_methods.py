"""What every method of interleaving promises."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.interleaving import INTERLEAVERS, NOBODY, Interleaver, interleaver
from search.errors import BadInput
from tests.eval.interleaving.worlds import outcomes, ranking, rankings

METHODS = pytest.mark.parametrize("method", INTERLEAVERS.values(), ids=INTERLEAVERS)
SEEDS = st.integers(0, 2**32)
QUICK = settings(max_examples=20, deadline=None)


@METHODS
@QUICK
@given(data=st.data(), seed=SEEDS, length=st.integers(0, 20))
def test_every_item_is_shown_once_and_comes_from_a_ranking(
    method: Interleaver, data: st.DataObject, seed: int, length: int
) -> None:
    lists = data.draw(rankings(method.most))
    shown = method(lists, Random(seed), length)
    everything = set(np.concatenate(lists).tolist())
    assert len(shown) == min(length, len(everything)) == len(set(shown.items.tolist()))
    assert set(shown.items.tolist()) <= everything
    kinds = [str(each.dtype) for each in (shown.items, shown.teams, shown.ranks)]
    assert kinds == ["int32", "int8", "int32"]
    assert shown.ranks.shape == (len(shown), len(lists))
    for place, item in enumerate(shown.items.tolist()):
        for number, each in enumerate(lists):
            rank = int(shown.ranks[place, number])
            assert (each[rank - 1] == item) if rank else (item not in each)


@METHODS
@QUICK
@given(data=st.data(), seed=SEEDS, length=st.integers(1, 14))
def test_the_next_page_continues_the_list(
    method: Interleaver, data: st.DataObject, seed: int, length: int
) -> None:
    lists = data.draw(rankings(method.most))
    page, more = (method(lists, Random(seed), n) for n in (length, length + 1))
    for name in ("items", "teams", "ranks", "chances"):
        one, other = getattr(page, name), getattr(more, name)
        if one is not None:
            assert np.array_equal(one, other[: len(page)])


@METHODS
@QUICK
@given(data=st.data(), seed=SEEDS)
def test_one_ranking_twice_is_that_ranking_and_nobody_wins(
    method: Interleaver, data: st.DataObject, seed: int
) -> None:
    one = data.draw(rankings(2))[0]
    shown = method([one, one], Random(seed), len(one))
    assert np.array_equal(shown.items, one)
    assert (shown.teams == NOBODY).all()
    clicks = np.array(data.draw(st.lists(st.booleans(), min_size=len(one), max_size=len(one))))
    earned = method.credit(shown, clicks.astype(np.float64))
    assert earned[0] == earned[1]


@METHODS
def test_swapping_the_rankings_swaps_what_they_earn(method: Interleaver) -> None:
    lists = [ranking(1, 2, 3, 4, 5), ranking(3, 1, 6, 2, 7)]
    seen = [
        Counter(tuple(method(order, Random(seed), 5).items.tolist()) for seed in range(700))
        for order in (lists, lists[::-1])
    ]
    for shown in set(seen[0]) | set(seen[1]):
        expected = (seen[0][shown] + seen[1][shown]) / 2
        assert abs(seen[0][shown] - expected) < 4 * np.sqrt(expected) + 1
    clicks = np.tile([0.0, 1, 0, 0, 0], (700, 1))
    earned, swapped = (outcomes(method, order, clicks) for order in (lists, lists[::-1]))
    difference = earned[:, 0] - earned[:, 1]
    other = swapped[:, 1] - swapped[:, 0]
    error = np.sqrt((difference.var() + other.var()) / 700)
    assert abs(difference.mean() - other.mean()) <= 4 * error


BLIND = {
    "the same length": ([1, 2, 3, 4, 5, 6], [2, 3, 1, 7, 8, 4]),
    "one shorter": ([1, 2, 3, 4, 5, 6, 7], [9, 1]),
    "one item": ([1], [1, 2, 3, 4]),
    "a beginning in common": ([1, 2, 3, 4, 5], [1, 2, 5, 6, 7]),
    "nothing in common": ([1, 2, 3, 4, 5], [6, 7, 8, 9]),
}


@pytest.mark.parametrize("method", [name for name in INTERLEAVERS if name != "balanced"])
@pytest.mark.parametrize("case", BLIND)
def test_a_clicker_who_does_not_look_favors_nobody(method: str, case: str) -> None:
    rng = np.random.default_rng(5)
    clicks = (rng.random((2000, 7)) < 0.6 / np.arange(1, 8)).astype(np.float64)
    earned = outcomes(interleaver(method), [ranking(*each) for each in BLIND[case]], clicks)
    difference = earned[:, 0] - earned[:, 1]
    assert abs(difference.mean()) <= 4 * difference.std() / np.sqrt(len(difference))


@pytest.mark.parametrize("method", ["team-draft", "probabilistic", "preference"])
def test_a_clicker_who_does_not_look_favors_none_of_three(method: str) -> None:
    rng = np.random.default_rng(6)
    clicks = (rng.random((2000, 6)) < 0.4).astype(np.float64)
    lists = [ranking(1, 2, 3, 4), ranking(2, 1, 5, 6, 7), ranking(8, 2, 1, 3, 9, 10)]
    earned = outcomes(interleaver(method), lists, clicks)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        difference = earned[:, one] - earned[:, other]
        assert abs(difference.mean()) <= 4 * difference.std() / np.sqrt(len(difference))


@METHODS
def test_the_better_ranking_earns_more(method: Interleaver) -> None:
    rng = np.random.default_rng(7)
    good = {4, 5, 6}
    lists = [ranking(4, 1, 5, 2, 6, 3), ranking(1, 2, 3, 4, 5, 6)]
    random, difference = Random(8), []
    for _ in range(800):
        shown = method(lists, random, 6)
        likely = np.array([0.7 if item in good else 0.1 for item in shown.items.tolist()])
        clicks = (rng.random(6) < likely / np.arange(1, 7) ** 0.5).astype(np.float64)
        earned = method.credit(shown, clicks)
        difference.append(earned[0] - earned[1])
    assert np.mean(difference) > 4 * np.std(difference) / np.sqrt(len(difference))


@METHODS
@pytest.mark.parametrize(
    "lists", [[[], []], [[1, 2], []], [[], [1, 2]]], ids=["both", "second", "first"]
)
def test_empty_rankings_earn_nothing(method: Interleaver, lists: list[list[int]]) -> None:
    shown = method([ranking(*each) for each in lists], Random(0), 5)
    assert sorted(shown.items.tolist()) == sorted({item for each in lists for item in each})
    earned = method.credit(shown, np.ones(len(shown)))
    assert earned[0] == earned[1]


@METHODS
def test_clicks_may_be_weighted(method: Interleaver) -> None:
    lists = [ranking(1, 2, 3, 4), ranking(5, 6, 1, 2)]
    shown = method(lists, Random(3), 4)
    once, twice = (method.credit(shown, np.array([0.0, n, 0, n])) for n in (1.0, 2.0))
    assert np.allclose(2 * once, twice)


def test_a_method_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match="no interleaving 'coin'; there are team-draft, balanced"):
        interleaver("coin")


@METHODS
def test_what_cannot_be_compared_is_refused(method: Interleaver) -> None:
    with pytest.raises(BadInput, match="two rankings or more, not 1"):
        method([ranking(1, 2)], Random(0), 2)
    if method.most is not None:
        with pytest.raises(BadInput, match=f"at most {method.most} rankings, not 3"):
            method([ranking(1), ranking(2), ranking(3)], Random(0), 2)


def test_serving_an_interleaved_list_needs_nothing_that_a_server_lacks() -> None:
    code = (
        "import sys\n"
        "for name in ('scipy', 'pandas', 'ranx', 'lightgbm', 'sklearn'):\n"
        "    sys.modules[name] = None\n"
        "from random import Random\n"
        "import numpy as np\n"
        "from eval.interleaving import INTERLEAVERS\n"
        "import eval.stopping\n"
        "lists = [np.arange(9, dtype=np.int32), np.arange(9, dtype=np.int32)[::-1].copy()]\n"
        "for method in INTERLEAVERS.values():\n"
        "    method.credit(method(lists, Random(0), 6), np.ones(6))\n"
        "print('served')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "served"
