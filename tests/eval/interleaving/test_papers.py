"""Each method against what its paper says of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from eval.interleaving import NOBODY, interleaver
from eval.interleaving.linear_program import best_mixture
from search.errors import BadInput
from tests.eval.interleaving.worlds import outcomes, ranking


def lists_of(method: str, *rankings: list[int], length: int, draws: int = 100) -> set[str]:
    shown = (
        interleaver(method)([ranking(*each) for each in rankings], Random(seed), length)
        for seed in range(draws)
    )
    return {"".join(map(str, each.items.tolist())) for each in shown}


def test_team_draft_gives_every_ranking_one_item_a_round() -> None:
    method = interleaver("team-draft")
    for seed in range(50):
        shown = method([ranking(1, 2, 3, 4, 5, 6), ranking(7, 1, 8, 2, 9, 3)], Random(seed), 6)
        for begin in (0, 2, 4):
            assert set(shown.teams[begin : begin + 2].tolist()) == {0, 1}


A, B = [1, 2, 3, 4, 7, 8], [2, 5, 1, 6, 7, 8]
"""a b c d g h and b e a f g h, the example of Radlinski et al. 2008, figure 1."""


def test_team_draft_draws_a_coin_each_round() -> None:
    assert lists_of("team-draft", A, B, length=4) == {"1235", "1253", "2135", "2153"}


def test_team_draft_leaves_a_common_beginning_to_nobody() -> None:
    shown = interleaver("team-draft")([ranking(1, 2, 3, 4), ranking(1, 2, 4, 3)], Random(0), 4)
    assert shown.teams[:2].tolist() == [NOBODY, NOBODY]
    assert set(shown.teams[2:].tolist()) == {0, 1}


def test_a_longer_ranking_does_not_win_by_length() -> None:
    shown = interleaver("team-draft")([ranking(1), ranking(2, 3, 4, 5)], Random(0), 5)
    assert sorted(shown.teams.tolist()) == [NOBODY, NOBODY, NOBODY, 0, 1]


def test_balanced_takes_turns_after_one_coin() -> None:
    assert lists_of("balanced", A, B, length=6) == {"125346", "215364"}


def test_balanced_counts_clicks_down_to_the_place_of_the_lowest() -> None:
    method = interleaver("balanced")
    shown = method([ranking(1, 2, 3, 4), ranking(2, 5, 1, 6)], Random(0), 6)
    clicks = np.isin(shown.items, [2, 5]).astype(np.float64)
    # 5 is second in B, where the first two are 2 and 5; in A, 1 and 2.
    assert method.credit(shown, clicks).tolist() == [1.0, 2.0]


def test_balanced_favors_a_ranking_by_chance_clicks_alone() -> None:
    rng = np.random.default_rng(5)
    clicks = np.eye(3)[rng.integers(0, 3, 4000)]
    earned = outcomes(interleaver("balanced"), [ranking(1, 2, 3), ranking(2, 3, 1)], clicks)
    difference = earned[:, 1] - earned[:, 0]
    assert difference.mean() > 10 * difference.std() / np.sqrt(len(difference))


def test_probabilistic_draws_by_the_cube_of_the_rank() -> None:
    method = interleaver("probabilistic")
    lists = [ranking(1, 2, 3), ranking(4, 5, 6)]
    first = Counter(int(method(lists, Random(seed), 1).items[0]) for seed in range(4000))
    weights = np.array([1, 1 / 8, 1 / 27])
    for item, chance in zip((1, 2, 3), weights / weights.sum() / 2, strict=True):
        error = np.sqrt(chance * (1 - chance) / 4000)
        assert abs(first[item] / 4000 - chance) < 4 * error


def plainly_drawn(
    lists: list[NDArray[np.int32]], random: Random, length: int
) -> tuple[list[int], list[list[float]]]:
    """The items and chances of probabilistic interleaving, by adding up all weights at each place;
    of lists without a beginning in common and long enough."""
    weights = [1 / np.arange(1, len(each) + 1, dtype=np.float64) ** 3 for each in lists]
    items, chances = list[int](), []
    for _ in range(length):
        sums = [each.cumsum() for each in weights]
        team = int(random.random() * len(lists))
        lot = random.random() * sums[team][-1]
        items.append(int(lists[team][sums[team].searchsorted(lot, side="right")]))
        at = [each == items[-1] for each in lists]
        chances.append(
            [float(w[a].sum() / s[-1]) for w, a, s in zip(weights, at, sums, strict=True)]
        )
        for each, place in zip(weights, at, strict=True):
            each[place] = 0.0
    return items, chances


@pytest.mark.parametrize("seed", range(20))
def test_probabilistic_draws_what_adding_up_all_weights_would(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(120)[:90].astype(np.int32) for _ in range(2 + seed % 2)]
    shown = interleaver("probabilistic")(lists, Random(seed), 50)
    items, chances = plainly_drawn(lists, Random(seed), 50)
    assert shown.items.tolist() == items
    assert shown.chances is not None
    assert np.allclose(shown.chances, chances, rtol=1e-9, atol=0)


def test_probabilistic_credits_by_the_chance_of_every_assignment() -> None:
    """Against all assignments of places to rankings, weighed by how likely each is."""
    method = interleaver("probabilistic")
    lists = [ranking(1, 2, 3, 4), ranking(3, 1, 5, 2)]
    shown = method(lists, Random(4), 4)
    clicks = np.array([1.0, 0, 1, 1])
    total, earned = 0.0, np.zeros(2)
    for teams in product((0, 1), repeat=4):
        chance, left = 1.0, [each.tolist() for each in lists]
        weights = [[1 / r**3 for r in range(1, 5)] for _ in lists]
        for item, team in zip(shown.items.tolist(), teams, strict=True):
            mine = dict(zip(left[team], weights[team], strict=True))
            chance *= mine.get(item, 0.0) / sum(mine.values())
            for each, weight in zip(left, weights, strict=True):
                if item in each:
                    weight.pop(each.index(item))
                    each.remove(item)
        total += chance
        earned += chance * np.bincount(teams, clicks, minlength=2)
    assert np.allclose(method.credit(shown, clicks), earned / total)


def test_optimized_draws_every_place_fairly() -> None:
    method = interleaver("optimized")
    lists = [ranking(1, 2, 3, 4, 5), ranking(3, 6, 1, 7, 2)]
    credit = np.zeros((3000, 5))
    for seed in range(3000):
        shown = method(lists, Random(seed), 5)
        worth = np.where(shown.ranks > 0, 1 / np.maximum(shown.ranks, 1), 0)
        credit[seed] = worth[:, 0] - worth[:, 1]
    error = credit.std(axis=0) / np.sqrt(len(credit))
    assert (np.abs(credit.mean(axis=0)) <= 4 * error + 1e-12).all()


@pytest.mark.parametrize("seed", range(20))
def test_the_mixture_is_the_best_one(seed: int) -> None:
    """The same value as scipy's solver finds, or none where it finds none."""
    rng = np.random.default_rng(seed)
    rows, options = int(rng.integers(1, 9)), int(rng.integers(2, 200))
    balance = rng.choice([-1.0, -0.5, 0, 0.5, 1], (rows, options)) + (seed % 3 == 0) * 0.3
    worth = rng.random(options)
    found = best_mixture(worth, balance)
    known = linprog(
        -worth,
        A_eq=np.vstack([np.ones(options), balance]),
        b_eq=np.r_[1.0, np.zeros(rows)],
    )
    if found is None:
        assert not known.success
    else:
        assert known.fun is not None
        assert np.isclose(found @ worth, -known.fun)
        assert np.abs(balance @ found).max() < 1e-9
        assert np.isclose(found.sum(), 1)


def test_preference_draws_evenly_from_what_any_ranking_has_so_high() -> None:
    method = interleaver("preference")
    lists = [ranking(1, 2, 3), ranking(4, 1, 5)]
    shown = [method(lists, Random(seed), 3) for seed in range(4000)]
    first = Counter(int(each.items[0]) for each in shown)
    assert set(first) == {1, 4}
    assert abs(first[1] - 2000) < 4 * np.sqrt(1000)
    second = Counter(tuple(each.items[:2].tolist()) for each in shown)
    assert set(second) == {(1, 4), (1, 2), (4, 1), (4, 2)}
    assert shown[0].chances is not None
    assert shown[0].chances[:, 0].tolist() == [1 / 2, 1 / 2, 1 / 3]


def test_preference_counts_only_pairs_that_could_stand_either_way() -> None:
    method = interleaver("preference")
    lists = [ranking(1, 2), ranking(1, 3)]
    shown = method(lists, Random(0), 3)
    # 1 is always first: that it is clicked and 2 and 3 are not says nothing.
    assert method.credit(shown, np.array([1.0, 0, 0])).tolist() == [0.0, 0.0]
    liked = int(shown.items[1])
    earned = method.credit(shown, np.array([0.0, 1, 0]))
    assert earned[0 if liked == 2 else 1] == 1.0 == -earned[1 if liked == 2 else 0]


def test_preference_weighs_pairs_by_how_rarely_they_could_stand_either_way() -> None:
    method = interleaver("preference")
    lists = [ranking(1, 2, 3), ranking(4, 1, 5)]
    shown = (method(lists, Random(seed), 3) for seed in range(100))
    found = {tuple(each.items.tolist()): each for each in shown}
    clicks = np.array([0.0, 1, 0])
    # 2 may stand from the second place on, where 1 is left one time in two: such pairs count twice.
    assert method.credit(found[4, 2, 1], clicks).tolist() == [-2.0, -2.0]
    # Here also 1 before 4, which could stand first both: once, right in the first alone.
    assert method.credit(found[4, 1, 2], clicks).tolist() == [2.0 + 1, 2.0 - 1]


@pytest.mark.parametrize("method", ["probabilistic", "preference"])
def test_credit_by_chance_needs_the_chances(method: str) -> None:
    one = interleaver(method)
    shown = replace(one([ranking(1, 2), ranking(2, 1)], Random(0), 2), chances=None)
    with pytest.raises(BadInput, match="needs the chances of each place"):
        one.credit(shown, np.ones(2))
