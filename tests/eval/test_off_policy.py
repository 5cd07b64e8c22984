"""Clicks of an order that was not shown, against a simulation where it can be shown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eval.off_policy import (
    LoggedPages,
    estimate,
    positions_by,
    relative_difference,
)
from eval.significance import t_interval
from search.errors import BadInput

DEPTH = 8
CURVE = 1 / np.arange(1, DEPTH + 1)


def examined(positions: NDArray[np.int32]) -> NDArray[np.float64]:
    return np.asarray(CURVE[positions - 1], np.float64)


def log_of(queries: int, searches: int, seed: int) -> tuple[LoggedPages, NDArray[np.float64]]:
    """Pages in a poor order, clicked by position and attraction; and how attractive each row is."""
    rng = np.random.default_rng(seed)
    attractive = rng.uniform(0.05, 0.8, (queries, DEPTH))
    rows = np.repeat(attractive, searches, axis=0)
    shape = rows.shape
    orders = np.argsort(rng.normal(size=shape) + np.argsort(np.argsort(rows, 1), 1) * 0.1, 1)
    positions = np.argsort(orders, 1).astype(np.int32) + 1
    clicks = (rng.random(shape) < rows * examined(positions)).astype(np.float64)
    codes = np.arange(shape[0], dtype=np.int32)
    pages = LoggedPages(
        np.repeat(codes, DEPTH),
        np.repeat(codes // searches, DEPTH).astype(np.int32),
        positions.ravel(),
        clicks.ravel(),
    )
    return pages, rows.ravel()


def test_the_estimate_is_that_of_showing_it() -> None:
    pages, attractive = log_of(300, 40, 0)
    moved = positions_by(pages, attractive)
    value = estimate(pages, moved, examined)
    truth = (attractive * examined(moved)).reshape(-1, DEPTH).sum(1).mean()
    assert np.nanmean(value.clicks) == pytest.approx(truth, rel=0.04)
    logged = pages.clicks.reshape(-1, DEPTH).sum(1).mean()
    assert np.nanmean(value.clicks) > logged * 1.1
    assert value.effective < value.clicked


def test_intervals_hold_the_true_gain() -> None:
    held = []
    for seed in range(60):
        pages, attractive = log_of(150, 10, seed)
        moved = positions_by(pages, attractive)
        gain = (
            estimate(pages, moved, examined).clicks
            - estimate(pages, pages.positions, examined).clicks
        )
        rows = attractive * (examined(moved) - examined(pages.positions))
        truth = rows.reshape(-1, DEPTH).sum(1).mean()
        _, low, high = t_interval(gain[:, None], 100)
        held.append(low[0] <= truth <= high[0])
    assert 0.85 <= np.mean(held) <= 1


def test_the_order_as_shown_is_worth_its_clicks() -> None:
    pages, _ = log_of(20, 5, 1)
    value = estimate(pages, pages.positions, examined)
    assert np.nansum(value.clicks * 5) == pytest.approx(pages.clicks.sum())
    assert value.effective == pytest.approx(value.clicked)
    assert value.clipped == 0
    same = relative_difference(pages, pages.searches, pages.positions, pages.positions, examined)
    assert same.tolist() == [0.0] * 100


def test_a_query_counts_as_often_as_it_is_asked() -> None:
    searches = np.repeat(np.arange(4, dtype=np.int32), 2)
    queries = np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int32)
    positions = np.tile(np.array([1, 2], np.int32), 4)
    clicks = np.array([1, 0, 1, 0, 1, 0, 0, 1], np.float64)
    pages = LoggedPages(searches, queries, positions, clicks)
    swapped = np.where(queries == 1, 3 - positions, positions).astype(np.int32)
    shares = relative_difference(pages, searches, swapped, positions, examined)
    # The click of the fourth search is worth one more at the top: one of four clicks.
    assert shares.mean() == pytest.approx(1 / 4)
    assert shares.shape == (4,)


def test_the_interval_of_the_share_holds_the_truth() -> None:
    held = []
    for seed in range(60):
        pages, attractive = log_of(40, 30, seed)
        moved = positions_by(pages, attractive)
        shares = relative_difference(pages, pages.searches, moved, pages.positions, examined)
        worth = [(attractive * examined(each)).sum() for each in (moved, pages.positions)]
        _, low, high = t_interval(shares[:, None], 100)
        held.append(low[0] <= worth[0] / worth[1] - 1 <= high[0])
    assert 0.88 <= np.mean(held) <= 1


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_products_stay_in_their_search_and_stand_by_falling_score(
    rows: list[tuple[int, int]],
) -> None:
    rows = sorted(rows)
    searches = np.array([each[0] for each in rows], np.int32)
    scores = np.array([each[1] for each in rows], np.float64)
    positions = np.zeros(len(rows), np.int32)
    for search in set(searches.tolist()):
        own = searches == search
        positions[own] = np.arange(1, own.sum() + 1)
    pages = LoggedPages(searches, searches, positions, np.ones(len(rows)))
    moved = positions_by(pages, scores)
    for search in set(searches.tolist()):
        own = np.flatnonzero(searches == search)
        assert sorted(moved[own]) == sorted(positions[own])
        expected = sorted(own, key=lambda row: (-scores[row], positions[row]))
        assert own[np.argsort(moved[own])].tolist() == [int(row) for row in expected]


def test_a_click_far_down_counts_no_more_than_the_bound() -> None:
    pages = LoggedPages(
        np.zeros(2, np.int32),
        np.zeros(2, np.int32),
        np.array([1, 8], np.int32),
        np.array([0.0, 1.0]),
    )
    value = estimate(pages, np.array([8, 1], np.int32), examined, clip=5.0)
    assert value.clicks.tolist() == [5.0]
    assert value.clipped == 1


def test_without_clicks_there_is_nothing_to_estimate() -> None:
    pages, _ = log_of(2, 2, 0)
    silent = LoggedPages(pages.searches, pages.queries, pages.positions, np.zeros(len(pages)))
    with pytest.raises(BadInput, match="no clicks"):
        estimate(silent, silent.positions, examined)
