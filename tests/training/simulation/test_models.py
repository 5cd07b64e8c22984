from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import BadInput
from training.simulation import CLICK_MODELS, ClickModel, click_model, draw_outcomes
from training.simulation.models import Cascade, DynamicBayesian, Joachims, Trust, Ultra

SESSIONS = 40_000


def rates(model: ClickModel, grades: list[int], seed: int = 0) -> np.ndarray:
    """Click rates by position of many shoppers who all see documents of these grades."""
    shown = np.tile(np.asarray(grades, float), (SESSIONS, 1))
    return np.asarray(model.draw(shown, np.random.default_rng(seed)).mean(axis=0))


def test_joachims_clicks_relevant_documents_whenever_they_are_looked_at() -> None:
    found = rates(Joachims(), [4, 3, 2, 4])
    assert found == pytest.approx([1, 1 / 2, 0.1 / 3, 1 / 4], abs=0.01)


def test_ultra_clicks_follow_eye_tracking_and_grade() -> None:
    found = rates(Ultra(), [4, 0, 2])
    assert found == pytest.approx([0.68, 0.061, 0.48 * (0.1 + 0.9 * 3 / 15)], abs=0.01)


def test_ultra_looks_below_the_tenth_position_as_at_it() -> None:
    assert Ultra().examination(12)[-3:] == pytest.approx([0.06] * 3)
    assert Ultra().examination(3) == pytest.approx([0.68, 0.61, 0.48])


def test_trust_clicks_irrelevant_documents_at_the_top() -> None:
    slope, floor = Trust().affine(2)
    assert (slope[0], floor[0]) == pytest.approx((0.35, 0.65))
    found = rates(Trust(), [0, 4])
    assert found == pytest.approx([0.65, slope[1] + floor[1]], abs=0.01)


def test_cascade_shoppers_leave_with_their_first_click() -> None:
    shown = np.tile([2.0, 4.0, 3.0], (SESSIONS, 1))
    clicks = Cascade().draw(shown, np.random.default_rng(0))
    assert clicks.sum(axis=1).max() == 1
    assert clicks.mean(axis=0)[2] == 0  # grade 4 attracts everybody who comes so far


def test_dbn_shoppers_go_on_unless_satisfied_or_tired() -> None:
    found = rates(DynamicBayesian(), [0, 4, 4])
    assert found == pytest.approx([0.1, 0.9, 0.0], abs=0.01)
    assert rates(DynamicBayesian(perseverance=1.0), [0, 4])[1] == 1


@given(st.sampled_from(sorted(CLICK_MODELS)), st.integers(0, 2**16))
def test_the_same_seed_gives_the_same_clicks(name: str, seed: int) -> None:
    grades = np.random.default_rng(1).integers(0, 5, (5, 7))
    first, second = (click_model(name).draw(grades, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == grades.shape
    assert (first == second).all()


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="'dmb'; there are joachims, ultra"):
        click_model("dmb")


def test_only_what_was_clicked_is_bought_and_better_products_more_often() -> None:
    rng = np.random.default_rng(0)
    grades = np.tile([0.0, 4.0], (SESSIONS, 1))
    clicks = rng.random(grades.shape) < 0.5
    carts, purchases = draw_outcomes(clicks, grades, rng)
    assert not (carts & ~clicks).any()
    assert not (purchases & ~carts).any()
    assert carts.mean(axis=0) == pytest.approx([0.01, 0.175], abs=0.01)
    assert purchases[:, 1].sum() > 20 * purchases[:, 0].sum()
