"""Human judgments beside clicks: what people said is kept, and never makes the order worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.learners.worlds import PROPENSITIES, QUICK, counted, truth
from training import stack
from training.learners import LEARNERS, ClickedTables, clicked_tables
from training.learners.clicked import UNSEEN
from training.learners.evidence import gathered, rates_of_gains, with_judgments, with_unseen
from training.learners.shrinkage import estimate_rates
from training.measures import yardstick

TEST = truth(60, seed=1)


def judged_in_part(share: float, seed: int, sessions: int = 60, queries: int = 60) -> ClickedTables:
    """Clicks on all queries, of which people judged every candidate of a `share`, rightly."""
    tables = truth(queries)
    told = np.random.default_rng(seed).random(len(tables)) < share
    parts = [
        each if known else replace(each, gains=np.full(len(each.gains), np.nan))
        for each, known in zip(tables.queries, told.tolist(), strict=True)
    ]
    counts = counted(tables, orders=1, sessions=sessions, seed=seed)
    return clicked_tables(stack(parts, tables.schema), counts, PROPENSITIES)


@given(share=st.floats(0.05, 1.0), weight=st.floats(0.1, 1e3), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_a_judgment_is_the_prior_of_what_was_judged_and_moves_nothing_else(
    share: float, weight: float, seed: int
) -> None:
    clicked = judged_in_part(share, seed, queries=20)
    judged = ~np.isnan(clicked.tables.gains)
    if not judged.any():
        return
    alone, mixed = (estimate_rates(each) for each in (clicked, with_judgments(clicked, weight)))
    assert mixed.strength == pytest.approx(alone.strength)
    assert mixed.rates[~judged] == pytest.approx(alone.rates[~judged])
    stands_for = rates_of_gains(clicked)[judged]
    clicks, looks = clicked.clicks[judged], clicked.examined[judged]
    expected = (weight * stands_for + clicks) / (weight + looks)
    assert mixed.rates[judged] == pytest.approx(expected)


def test_clicks_are_not_shrunk_before_they_say_what_a_grade_stands_for() -> None:
    # A look or two each: shrunk rates hardly differ, but together the clicks tell grades apart.
    clicked = judged_in_part(1.0, 3, sessions=6)
    rates, gains = rates_of_gains(clicked), clicked.tables.gains
    assert rates[gains == 1.0].mean() - rates[gains == 0.0].mean() == pytest.approx(0.9, abs=0.25)


def test_what_people_judged_or_nobody_asked_is_not_taken_for_left_out() -> None:
    clicked = with_judgments(judged_in_part(0.5, 0), 10.0)
    silent = np.flatnonzero(clicked.tables.query[clicked.cells.rows] == 0)
    kept = np.setdiff1d(np.arange(len(clicked.cells.rows)), silent)
    clicked = replace(clicked, cells=clicked.cells.where(kept))
    cells = with_unseen(clicked, 5.0, 0).cells
    left_out = cells.rows[cells.positions == UNSEEN]
    assert len(left_out)
    assert (clicked.judged[left_out] == 0).all()
    assert (clicked.tables.query[left_out] != 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["naive", "eb-labels"])
def test_judgments_that_are_right_never_make_the_order_worse(name: str) -> None:
    measure = yardstick(TEST)
    gaps = []
    for seed in range(2):
        clicked = judged_in_part(0.4, seed)
        found = [
            measure.ndcg(
                LEARNERS[name](gathered(clicked, weight, 0.0, 0), QUICK).scores(TEST.values)
            ).mean()
            for weight in (0.0, 10.0)
        ]
        gaps.append(found[1] - found[0])
    assert min(gaps) > -0.005
    assert np.mean(gaps) > 0.005
