"""Off-policy estimates against a shop where the other order is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from eval.off_policy import (
    METHODS,
    Cells,
    ClickLog,
    Examination,
    Plan,
    compare,
    order_of,
)
from search.errors import BadInput
from tests.eval.off_policy_worlds import (
    CURVE,
    DEPTH,
    exploring,
    known,
    logged_truth,
    shop,
    truth,
)


def test_the_estimate_approaches_the_truth() -> None:
    errors = []
    for searches in (1_000, 40_000):
        log, attraction = shop(searches, 1)
        found = compare(log, attraction, None, known, Plan(draws=20))
        value = truth(log, attraction)
        errors.append([abs(found.candidate[name] - value) / value for name in METHODS])
        assert found.logged < value
    assert (np.array(errors[1]) < 0.02).all()
    assert np.mean(errors[1]) < np.mean(errors[0])


def test_intervals_hold_the_truth() -> None:
    held = []
    for seed in range(40):
        log, attraction = shop(800, seed)
        found = compare(log, attraction, None, known, Plan(draws=40))
        gain = truth(log, attraction) - logged_truth(log, attraction)
        held.append([each.low <= gain <= each.high for each in found.differences.values()])
    assert (np.mean(held, axis=0) >= 0.85).all()


def test_what_was_shown_every_time_counts_as_the_formula_says() -> None:
    log, attraction = shop(400, 3, swaps=False)
    found = compare(log, attraction, None, known, Plan(draws=20))
    places = order_of(log, attraction).places[log.documents]
    gain = (CURVE[places] - CURVE[log.positions - 1]) / CURVE[log.positions - 1]
    # Mean over searches of the sum over clicks of [λ(new rank) − λ(logged rank)] / p.
    assert found.differences["ips"].delta == pytest.approx(float(gain @ log.clicks) / 400)
    assert found.overlap.together == pytest.approx(1.0)


def test_the_logged_order_differs_by_nothing() -> None:
    log, _ = shop(300, 4, swaps=False)
    as_shown = -np.bincount(log.documents, log.positions) / np.bincount(log.documents)
    for found in (
        compare(log, as_shown, None, known),
        compare(log, None, None, known),
        compare(log, as_shown, as_shown, known),
    ):
        assert found.identical
        assert [(each.delta, each.low, each.high) for each in found.differences.values()] == [
            (0.0, 0.0, 0.0)
        ] * 3


def test_two_candidates_are_compared_with_each_other() -> None:
    log, attraction = shop(2_000, 5)
    one = compare(log, attraction, -attraction, known, Plan(draws=20))
    other = compare(log, -attraction, attraction, known, Plan(draws=20))
    for name in METHODS:
        assert one.differences[name].low > 0
        assert one.differences[name].delta == pytest.approx(-other.differences[name].delta)


def test_resamples_are_of_shoppers_not_of_searches() -> None:
    log, attraction = shop(1_000, 6)
    tenfold = (log.units // 10).astype(np.int32)
    shared = replace(log, units=tenfold)
    alone, together = (compare(each, attraction, None, known) for each in (log, shared))
    assert together.units == 100
    assert together.searches == alone.searches
    assert together.candidate == pytest.approx(alone.candidate)


def test_logged_chances_are_used_where_they_say_enough() -> None:
    log, attraction = exploring(20_000, 7)
    near = np.array([1.0, 2.0, -2.0, -1.0])  # both pairs exchanged for good
    found = compare(log, near, None, known, Plan(draws=20))
    assert found.method == "randomized"
    expected = float(CURVE @ attraction[[1, 0, 3, 2]])
    for name in METHODS:
        assert found.candidate[name] == pytest.approx(expected, rel=0.03)
    assert found.overlap.explored > 0.95
    far = compare(log, np.array([1.0, 2.0, 3.0, 4.0]), None, known, Plan(draws=20))
    assert far.method == "position"
    forced = compare(log, np.array([1.0, 2.0, 3.0, 4.0]), None, known, Plan("randomized", 20))
    assert "explore wider" in forced.refused
    assert not forced.differences


@pytest.mark.parametrize(
    ("reason", "searches", "shown"),
    [("was ever shown for its query", 2_000, 0.49), ("weigh like", 60, None)],
)
def test_refuses_what_the_log_does_not_tell(
    reason: str, searches: int, shown: float | None
) -> None:
    log, attraction = shop(searches, 8)
    found = compare(log, attraction, None, known, Plan(draws=20), shown)
    assert reason in found.refused
    assert "longer log" in found.refused
    assert not found.differences
    assert not found.candidate


def test_positions_without_a_propensity_are_left_out_or_refused() -> None:
    def half(cells: Cells, depth: int) -> Examination:
        return lambda counted: np.array([*CURVE[:3], np.nan])[:depth]

    def nothing(cells: Cells, depth: int) -> Examination:
        raise BadInput("positions 1 and 2 share no clicked document")

    log, attraction = shop(2_000, 10)
    found = compare(log, attraction, None, half, Plan(draws=20))
    assert "positions without a propensity (4)" in found.refused
    below = replace(log, clicks=np.where(log.positions < DEPTH, log.clicks, 0.0))
    left = compare(below, attraction, None, half, Plan(draws=20))
    assert not left.refused
    assert "25.0% of impressions" in left.remarks[0]
    assert "share no clicked document" in compare(log, attraction, None, nothing).refused


def test_resamples_that_cannot_be_estimated_are_counted() -> None:
    calls = []

    def sometimes(cells: Cells, depth: int) -> Examination:
        def fit(cells: Cells) -> NDArray[np.float64]:
            calls.append(1)
            if len(calls) > 10:
                raise BadInput("no clicks at position 3")
            return CURVE[:depth]

        return fit

    log, attraction = shop(2_000, 11)
    assert "of 40 resamples" in compare(log, attraction, None, sometimes, Plan(draws=40)).refused


def test_scores_that_are_no_order_are_refused() -> None:
    log, attraction = shop(300, 12)
    with pytest.raises(BadInput, match=r"1 of 7\d products no score \(NaN\)"):
        compare(log, np.where(np.arange(len(attraction)) == 3, np.nan, attraction), None, known)
    with pytest.raises(BadInput, match="alike, so that it has no order"):
        compare(log, np.ones(len(attraction)), None, known)
    some = compare(log, np.round(attraction, 1), None, known, Plan(draws=20))
    assert some.tied > 0
    assert "ties stand by id" in some.remarks[-1]


def test_logs_that_say_nothing_are_refused() -> None:
    log, attraction = shop(300, 13)
    parts = (log.units, log.searches, log.documents)
    silent = ClickLog(*parts, log.positions, 0 * log.clicks, log.chances, log.queries)
    with pytest.raises(BadInput, match="no clicks"):
        compare(silent, attraction, None, known)
    zero = ClickLog(*parts, log.positions - 1, log.clicks, log.chances, log.queries)
    with pytest.raises(BadInput, match="count positions from 1"):
        compare(zero, attraction, None, known)
    never = ClickLog(*parts, log.positions, log.clicks, 0 * log.chances, log.queries)
    with pytest.raises(BadInput, match="propensity is not above 0"):
        compare(never, attraction, None, known)
    with pytest.raises(BadInput, match="take 200"):
        Plan(draws=5)
    with pytest.raises(BadInput, match="no method 'magic'"):
        Plan("magic")


def test_one_query_is_said_to_be_one() -> None:
    log, _ = exploring(3_000, 14)
    found = compare(log, np.array([1.0, 4.0, 2.0, 3.0]), None, known, Plan("position", 20))
    assert not found.refused
    assert "nothing of others" in found.remarks[0]


def test_a_rare_product_moved_to_the_top_weighs_much_and_is_said_to() -> None:
    log, _ = shop(4_000, 15)
    rarest = np.bincount(log.documents).astype(np.float64)
    found = compare(log, -rarest, None, known, Plan(draws=20))
    assert found.weights is not None
    assert found.weights.largest > found.weights.p90 > found.weights.median
    assert found.effective < found.clicks / 2
    assert found.weights.clip_bias <= 0
