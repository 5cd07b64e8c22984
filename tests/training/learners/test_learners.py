"""Every learner on clicks whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import BadInput
from tests.training.learners.worlds import PROPENSITIES, QUICK, clicked, counted, truth
from training.learners import LEARNERS, clicked_tables, learners_named
from training.learners.labels import dr_labels, eb_labels, naive_labels, quantize
from training.learners.native import refuse_traps
from training.learners.pairwise import pair_gradients, weighted_clicks
from training.measures import yardstick
from training.trees import gain_levels

CLICKED = clicked()
TEST = truth(60, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_finds_the_truth_that_its_logger_hid(name: str) -> None:
    scorer = LEARNERS[name](CLICKED, QUICK)
    measure = yardstick(TEST)
    found = measure.ndcg(scorer.scores(TEST.values)).mean()
    assert found > measure.ndcg(TEST.fused).mean() + 0.03
    again = LEARNERS[name](CLICKED, QUICK).scores(TEST.values)
    assert (again == scorer.scores(TEST.values)).all()


@pytest.mark.slow
def test_correcting_beats_naive_where_the_logger_knew_nothing() -> None:
    # The logger ordered by noise that the model sees, so naive learning learns the noise.
    one_order = clicked_tables(truth(), counted(truth(), orders=1), PROPENSITIES)
    measure = yardstick(TEST)
    found = {
        name: measure.ndcg(LEARNERS[name](one_order, QUICK).scores(TEST.values)).mean()
        for name in ("naive", "eb-labels", "dr-labels", "poisson")
    }
    for name in ("eb-labels", "dr-labels", "poisson"):
        assert found[name] > found["naive"] + 0.02, name


@given(
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
    st.floats(1e-3, 1e3),
    st.integers(1, 50),
)
def test_gradients_of_pairs_sum_to_zero(
    size: int, seed: int, spread: float, truncation: int
) -> None:
    rng = np.random.default_rng(seed)
    offsets = np.array([0, size, size + 7])
    scores = rng.normal(size=size + 7) * spread
    worth = rng.exponential(size=size + 7) * (rng.random(size + 7) < 0.5)
    gradients, curvatures = pair_gradients(scores, worth, offsets, truncation)
    for first, last in ((0, size), (size, size + 7)):
        assert abs(gradients[first:last].sum()) < 1e-9
    assert (curvatures >= 0).all()
    assert np.isfinite(gradients).all()


def test_a_pair_is_pulled_towards_the_ratio_of_weighted_clicks() -> None:
    # At rest: log(.6 / .2), whatever the positions were.
    apart, worth, offsets = np.log(3.0), np.array([0.6, 0.2]), np.array([0, 2])
    at_rest, _ = pair_gradients(np.array([apart, 0.0]), worth, offsets, 10)
    too_near, _ = pair_gradients(np.array([apart / 2, 0.0]), worth, offsets, 10)
    assert at_rest == pytest.approx(0.0, abs=1e-12)
    assert too_near[0] < 0 < too_near[1]


def test_weighted_clicks_do_not_depend_on_where_a_product_was_shown() -> None:
    exact = replace(
        CLICKED.cells,
        clicks=CLICKED.cells.impressions
        * CLICKED.cells.looked
        * (0.1 + 0.2 * (CLICKED.cells.rows % 3)),
    )
    found = weighted_clicks(replace(CLICKED, cells=exact), clip=0.01)
    seen = CLICKED.impressions > 0
    rates = (0.1 + 0.2 * (np.arange(len(seen)) % 3))[seen]
    assert found[seen] == pytest.approx(rates)


def test_corrected_labels_follow_the_truth_and_naive_ones_the_position() -> None:
    one_order = clicked_tables(truth(), counted(truth(), orders=1), PROPENSITIES)
    seen = one_order.impressions > 0
    gains = one_order.tables.gains[seen]
    place = np.zeros(len(seen))
    place[one_order.cells.rows] = one_order.cells.positions
    corrected, naive = eb_labels(one_order)[seen], naive_labels(one_order)[seen]
    assert np.corrcoef(corrected, gains)[0, 1] > np.corrcoef(naive, gains)[0, 1] + 0.2
    assert np.corrcoef(naive, place[seen])[0, 1] < -0.3
    assert abs(np.corrcoef(corrected, place[seen])[0, 1]) < 0.1


def test_doubly_robust_labels_are_right_when_either_half_is() -> None:
    rates = np.array([0.1, 0.3, 0.5])[np.arange(len(CLICKED.tables.query)) % 3]
    cells = CLICKED.cells
    exact = replace(cells, clicks=cells.impressions * cells.looked * rates[cells.rows])
    perfect = replace(CLICKED, cells=exact)
    seen = CLICKED.impressions > 0
    wrong = np.full(len(rates), 0.7, np.float64)
    clip = 0.3
    assert dr_labels(perfect, rates, clip)[seen] == pytest.approx(rates[seen])
    assert dr_labels(perfect, wrong, 1e-9)[seen] == pytest.approx(rates[seen])
    assert dr_labels(perfect, wrong, clip)[seen] != pytest.approx(rates[seen])


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=500), st.integers(2, 255))
def test_every_label_has_a_gain(labels: list[float], levels: int) -> None:
    rounded = quantize(np.array(labels), levels)
    gains, grades = gain_levels(rounded)
    assert grades.max() < len(gains) <= levels
    assert (np.diff(gains) > 0).all()


def test_labels_nobody_saw_stay_unknown() -> None:
    one_order = clicked_tables(truth(), counted(truth(), orders=1), PROPENSITIES)
    labels = quantize(eb_labels(one_order))
    assert (np.isnan(labels) == (one_order.impressions == 0)).all()
    assert np.isnan(labels).any()


@pytest.mark.parametrize(
    "asked",
    [
        {"objective": "rank_xendcg"},
        {"objective": "lambdarank", "bagging_fraction": 0.5},
        {"objective": "lambdarank", "bagging_freq": 1},
        {"objective": "lambdarank", "bagging_by_query": True},
    ],
)
def test_what_spoils_native_positions_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="position"):
        refuse_traps(asked)


def test_an_unknown_learner_is_named_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="eb-labels, dr-labels"):
        learners_named("magic")
    assert len(learners_named("all")) == len(LEARNERS)
