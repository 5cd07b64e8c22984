"""What exploration costs, against simulated shoppers whose clicks are known in both worlds."""

from __future__ import annotations

import numpy as np
import pytest

from rankers.exploration import Swap
from search.errors import BadInput
from search.types import Slots
from training.exploration import ExplorationCost, cost_of

EXAMINED = 1 / np.arange(1, 7)
ATTRACTIVE = np.array([0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


def logged(searches: int, seed: int) -> ExplorationCost:
    """Shoppers who click by position and product, shown lists that chance has varied."""
    rng = np.random.default_rng(seed)
    none = np.zeros(6)
    slots = Slots(np.linspace(1, 0, 6), none, none, 0.1)
    drawn = [Swap(0.3)(slots, rng) for _ in range(searches)]
    orders = np.array([each.order for each in drawn])
    clicks = (rng.random(orders.shape) < EXAMINED * ATTRACTIVE[orders]).sum(1).astype(float)
    return cost_of(
        "swap",
        np.array([each.probability for each in drawn]),
        (orders == np.arange(6)).all(1).astype(float),
        clicks,
    )


@pytest.mark.slow
def test_the_intervals_hold_the_true_cost_as_often_as_they_say() -> None:
    # Each neighbor pair exchanged half the time it is paired: what is lost on average.
    lost = sum(
        0.15 * (EXAMINED[i] - EXAMINED[i + 1]) * (ATTRACTIVE[i] - ATTRACTIVE[i + 1])
        for i in range(5)
    )
    costs = [logged(1000, seed) for seed in range(50)]
    assert np.mean([each.cost for each in costs]) == pytest.approx(lost, abs=0.015)
    assert 0.86 <= np.mean([each.low <= lost <= each.high for each in costs]) <= 1
    assert costs[0].without == pytest.approx(EXAMINED @ ATTRACTIVE, abs=0.1)


def test_without_any_unchanged_list_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(BadInput, match="every list was changed"):
        cost_of("swap", np.full(5, 0.1), np.zeros(5), np.ones(5))
