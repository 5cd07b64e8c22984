"""Debiased credit is what each ranking alone would have earned."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.interleaving import INTERLEAVERS, debiased_credit, expected_exposure, interleaver
from search.errors import BadInput
from tests.eval.interleaving.worlds import ranking, rankings

LOOKED = 1 / np.arange(1, 9)


@settings(max_examples=15, deadline=None)
@given(data=st.data(), length=st.integers(1, 8))
def test_exposure_of_team_draft_is_that_of_all_coins(data: st.DataObject, length: int) -> None:
    lists = data.draw(rankings(2))
    method, random, draws = interleaver("team-draft"), Random(1), 1500
    items = np.unique(np.concatenate(lists)).astype(np.int32)
    drawn = np.zeros((draws, len(items)))
    for row in drawn:
        shown = method(lists, random, length)
        row[np.searchsorted(items, shown.items)] = LOOKED[: len(shown)]
    exact = expected_exposure(method, lists, items, LOOKED[:length])
    error = drawn.std(axis=0) / np.sqrt(draws)
    assert (np.abs(drawn.mean(axis=0) - exact) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("name", INTERLEAVERS)
def test_debiased_credit_is_what_each_ranking_would_have_earned(name: str) -> None:
    """Under the position-based model, whatever the method shows."""
    method, rng, depth = interleaver(name), np.random.default_rng(2), 3
    lists = [ranking(1, 2, 3, 4, 5, 6), ranking(6, 3, 7, 1, 8, 2)]
    attracts = {1: 0.9, 2: 0.2, 3: 0.4, 4: 0.1, 5: 0.6, 6: 0.1, 7: 0.3, 8: 0.8}
    looked, random = LOOKED[:6], Random(3)
    everything = np.arange(1, 9, dtype=np.int32)
    exposure = expected_exposure(method, lists, everything, looked, draws=3000)
    earned = np.zeros((2500, 2))
    for row in earned:
        shown = method(lists, random, 6)
        likely = np.array([attracts[item] for item in shown.items.tolist()])
        clicks = (rng.random(6) < looked * likely).astype(np.float64)
        row[:] = debiased_credit(shown, clicks, exposure[shown.items - 1], looked, depth)
    alone = [
        sum(looked[k] * attracts[item] for k, item in enumerate(each[:depth].tolist()))
        for each in lists
    ]
    error = earned.std(axis=0) / np.sqrt(len(earned))
    assert (np.abs(earned.mean(axis=0) - alone) <= 4 * error + 0.02).all()


def test_the_same_seed_gives_the_same_exposure() -> None:
    method, lists = interleaver("preference"), [ranking(1, 2, 3), ranking(3, 4, 1)]
    items = np.array([1, 2, 3, 4, 99], np.int32)
    one, same, other = (
        expected_exposure(method, lists, items, LOOKED[:3], draws=50, seed=n) for n in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one[4] == 0


def test_a_click_on_what_cannot_have_been_shown_is_refused() -> None:
    shown = interleaver("team-draft")([ranking(1, 2), ranking(2, 1)], Random(0), 2)
    with pytest.raises(BadInput, match="no expected exposure; compute it from the same rankings"):
        debiased_credit(shown, np.ones(2), np.array([1.0, 0.0]), LOOKED[:2], 1)
