"""Exploration: the probabilities that are logged are those with which things happen."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rankers.exploration import Swap, Thompson
from search.types import Slots


def slots(count: int, seen: float = 0.0) -> Slots:
    amounts = np.full(count, seen)
    return Slots(np.linspace(1, 0, count), amounts, 0.1 * amounts, 0.1)


def every_order(count: int, probability: float) -> Counter[tuple[int, ...]]:
    """The distribution of orders, by going through every outcome of the coin and of every pair."""
    orders: Counter[tuple[int, ...]] = Counter()
    for begin in (0, 1):
        pairs = range(begin, count - 1, 2)
        for outcome in product((False, True), repeat=len(pairs)):
            order, weight = list(range(count)), 0.5
            for first, swapped in zip(pairs, outcome, strict=True):
                weight *= probability if swapped else 1 - probability
                if swapped:
                    order[first], order[first + 1] = first + 1, first
            orders[tuple(order)] += weight  # type: ignore[assignment]
    return orders


@given(count=st.integers(2, 7), probability=st.floats(0.01, 0.5), seed=st.integers(0, 2**32 - 1))
def test_what_swap_logs_is_what_every_outcome_adds_up_to(
    count: int, probability: float, seed: int
) -> None:
    orders = every_order(count, probability)
    drawn = Swap(probability)(slots(count), np.random.default_rng(seed))
    assert sum(orders.values()) == pytest.approx(1)
    assert drawn.probability == pytest.approx(orders[tuple(drawn.order.tolist())])
    assert drawn.kept == pytest.approx(orders[tuple(range(count))])
    for place, item in enumerate(drawn.order.tolist()):
        there = sum(weight for order, weight in orders.items() if order[place] == item)
        assert drawn.propensities[place] == pytest.approx(there)


def test_swap_happens_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    draws = Counter(tuple(Swap(0.2)(slots(4), rng).order.tolist()) for _ in range(20_000))
    for order, probability in every_order(4, 0.2).items():
        assert draws[order] / 20_000 == pytest.approx(probability, abs=0.012)


@settings(max_examples=30)
@given(count=st.integers(2, 8), strength=st.floats(0.1, 5), seed=st.integers(0, 1000))
def test_every_order_of_thompson_is_as_probable_as_it_says(
    count: int, strength: float, seed: int
) -> None:
    method = Thompson(strength, seed=seed)
    rng = np.random.default_rng(seed)
    draws = [method(slots(count, 3.0), rng) for _ in range(300)]
    for drawn in draws:
        assert sorted(drawn.order.tolist()) == list(range(count))
        assert 1 / method.draws <= drawn.probability <= 1
        assert drawn.kept >= 1 - method.share
        assert (drawn.propensities >= drawn.probability - 1e-12).all()
    # One over the probability of each distinct order, averaged, is their number.
    distinct = {tuple(each.order.tolist()): each.probability for each in draws}
    assert sum(distinct.values()) <= 1 + 1e-9


def test_thompson_moves_what_is_new_and_leaves_what_is_known() -> None:
    def moved(seen: float) -> float:
        method = Thompson(1.0, share=1.0, draws=400)
        return 1 - method(slots(8, seen), np.random.default_rng(1)).kept

    assert moved(0) > 0.9
    assert moved(1_000_000) < 0.1


def test_a_new_product_gets_the_chance_that_a_known_one_does_not() -> None:
    seen = np.array([5000.0, 5000, 5000, 5000, 0])
    made = Slots(np.array([1.0, 0.9, 0.8, 0.7, 0.6]), seen, seen * 0.1, 0.1)
    rng = np.random.default_rng(0)
    orders = [Thompson(2.0, share=1.0)(made, rng).order for _ in range(500)]
    risen = np.mean([np.flatnonzero(order == 4)[0] < 4 for order in orders])
    swapped = np.mean(
        [np.flatnonzero(order == 1)[0] < np.flatnonzero(order == 0)[0] for order in orders]
    )
    assert risen > 0.2
    assert swapped < 0.1


@pytest.mark.parametrize("method", [Swap(0.0), Swap(0.3), Thompson(0.0), Thompson(1.0)])
def test_a_list_of_one_is_left_alone(method: Swap | Thompson) -> None:
    drawn = method(slots(1), np.random.default_rng(0))
    assert drawn.order.tolist() == [0]
    assert drawn.propensities.tolist() == [1.0]
    assert drawn.probability == drawn.kept == 1
