from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from search.errors import BadInput
from tests.training.propensity.made import counts
from training.clicks import ClickCounts
from training.propensity import ESTIMATORS, Disconnected, Propensities, estimator, shallower
from training.simulation import (
    click_model,
    expected_counts,
    make_world,
    relative_propensities,
    simulate_counts,
)

WORLD = make_world(0, queries=200)


def rms(found: Propensities, truth: NDArray[np.float64]) -> float:
    """RMS error of log p below the top."""
    errors = np.log(found.values) - np.log(truth[found.positions - 1])
    return float(np.sqrt((errors[1:] ** 2).mean()))


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("model", ["joachims", "ultra"])
def test_expected_counts_give_the_truth_exactly(name: str, model: str) -> None:
    found = estimator(name)(expected_counts(WORLD, click_model(model), 20_000))
    truth = relative_propensities(click_model(model), 10)
    assert rms(found, truth) < (5e-3 if name == "em" else 1e-4)
    assert found.values[0] == 1


def test_expectation_and_poisson_agree_on_many_clicks() -> None:
    drawn = simulate_counts(WORLD, click_model("ultra"), 1_000_000, 1)
    poisson, em = (estimator(name)(drawn).values for name in ("poisson", "em"))
    assert np.abs(np.log(poisson / em)).max() < 0.05


def reference(drawn: ClickCounts) -> NDArray[np.float64]:
    """The published fixed-point iteration, with dense arrays."""
    shown = np.zeros((len(drawn.products), drawn.depth))
    clicked = np.zeros_like(shown)
    shown[drawn.documents, drawn.positions - 1] = drawn.impressions
    clicked[drawn.documents, drawn.positions - 1] = drawn.clicks
    curve, totals = np.ones(drawn.depth), clicked.sum(axis=1)
    for _ in range(5000):
        expected = totals[:, None] * shown / np.maximum(shown @ curve, 1e-300)[:, None]
        curve = clicked.sum(axis=0) / expected.sum(axis=0)
        curve /= curve[0]
    return curve


@settings(max_examples=15)
@given(st.integers(0, 2**16), st.sampled_from(["joachims", "trust", "dbn"]))
def test_newton_ends_where_the_published_iteration_ends(seed: int, model: str) -> None:
    world = make_world(seed, queries=30, candidates=8, depth=5)
    drawn = simulate_counts(world, click_model(model), 3000, seed)
    assert estimator("poisson")(drawn).values == pytest.approx(reference(drawn), rel=1e-5)


@settings(max_examples=20)
@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_neither_the_scale_of_counts_nor_unclicked_documents_change_the_curve(
    scale: float, seed: int
) -> None:
    world = make_world(seed, queries=30, candidates=8, depth=5)
    drawn = simulate_counts(world, click_model("joachims"), 3000, seed)
    plain = estimator()(drawn).values
    scaled = replace(drawn, impressions=drawn.impressions * scale, clicks=drawn.clicks * scale)
    assert estimator()(scaled).values == pytest.approx(plain, rel=1e-6)
    idle = drawn.per_document(drawn.clicks)[drawn.documents] == 0
    more = replace(drawn, impressions=np.where(idle, drawn.impressions * 7, drawn.impressions))
    assert estimator()(more).values == pytest.approx(plain, rel=1e-9)


@pytest.mark.parametrize(("sessions", "limit"), [(20_000, 0.12), (200_000, 0.04)])
def test_the_default_is_as_near_as_promised(sessions: int, limit: float) -> None:
    model = click_model("joachims")
    errors = [
        rms(
            estimator()(simulate_counts(make_world(seed), model, sessions, seed)),
            relative_propensities(model, 10),
        )
        for seed in range(3)
    ]
    assert np.sqrt(np.mean(np.square(errors))) < limit


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimating_leaves_the_counts_alone(name: str) -> None:
    drawn = simulate_counts(WORLD, click_model("joachims"), 20_000, 1)
    before = drawn.clicks.copy(), drawn.impressions.copy()
    estimator(name)(drawn)
    assert (drawn.clicks == before[0]).all()
    assert (drawn.impressions == before[1]).all()


HALVES = {
    (0, 1): (10.0, 5.0), (0, 5): (10.0, 2.0), (1, 2): (10.0, 4.0), (1, 5): (10.0, 3.0),
    (1, 1): (10.0, 4.0), (0, 2): (9.0, 4.0),
    (2, 6): (10.0, 5.0), (2, 7): (10.0, 2.0), (3, 6): (10.0, 1.0), (3, 7): (10.0, 2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ESTIMATORS)
def test_positions_that_share_nothing_are_refused_by_name(name: str) -> None:
    with pytest.raises(
        Disconnected, match=r"positions 1–2, 5 and positions 6–7 share no"
    ) as failed:
        estimator(name)(counts(HALVES))
    assert failed.value.components == ((1, 2, 5), (6, 7))
    assert "add exploration" in str(failed.value)


def test_a_document_without_clicks_connects_nothing() -> None:
    with pytest.raises(Disconnected):
        estimator()(counts({**HALVES, (4, 5): (50.0, 0.0), (4, 6): (50.0, 0.0)}))


def test_too_few_clicks_are_told_from_no_common_documents() -> None:
    one_sided = {(0, 1): (10.0, 5.0), (0, 2): (10.0, 0.0), (1, 2): (10.0, 3.0)}
    with pytest.raises(Disconnected, match="too few clicks to compare"):
        estimator()(counts(one_sided))


def test_a_stray_position_is_left_out_and_takes_the_last_value() -> None:
    rows = {key: (n * 100, c * 100) for key, (n, c) in HALVES.items() if key[0] < 2}
    found = estimator()(counts({**rows, (2, 40): (1.0, 1.0)}))
    assert found.positions.tolist() == [1, 2, 5]
    assert found.at(np.array([40], np.int32))[0] == found.values[-1]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({(0, 1): (5.0, 0.0), (0, 2): (5.0, 0.0)}, "no clicks"),
        ({(0, 3): (5.0, 1.0), (1, 3): (5.0, 2.0)}, "everything was shown at position 3"),
        ({(0, 1): (0.0, 2.0), (0, 2): (5.0, 1.0)}, "clicked at positions where no impression"),
        ({(0, 1): (0.0, 0.0)}, "no impressions"),
        ({(0, 0): (5.0, 2.0), (0, 1): (5.0, 1.0)}, "position 0 was logged; count positions from 1"),
    ],
)
def test_counts_that_say_nothing_are_refused(
    cells: dict[tuple[int, int], tuple[float, float]], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        estimator()(counts(cells))


def test_graded_clicks_are_for_estimators_that_can_take_them() -> None:
    graded = counts({(0, 1): (5.0, 9.0), (0, 2): (5.0, 4.0)})
    assert estimator("poisson")(graded).values == pytest.approx([1, 4 / 9])
    with pytest.raises(BadInput, match="em needs clicks that are counted, not graded"):
        estimator("em")(graded)


def test_the_chain_says_where_it_breaks() -> None:
    apart = {(0, 1): (9.0, 4.0), (0, 3): (9.0, 2.0), (1, 2): (9.0, 4.0), (1, 3): (9.0, 3.0)}
    with pytest.raises(BadInput, match="breaks between positions 1 and 2"):
        estimator("chain")(counts(apart))
    assert len(estimator("poisson")(counts(apart)).values) == 3


def test_an_unknown_estimator_is_refused() -> None:
    with pytest.raises(BadInput, match="no estimator 'posion'; there are poisson"):
        estimator("posion")


def test_shallower_counts_hold_the_upper_positions() -> None:
    assert shallower(counts(HALVES), 5).positions.max() == 5
