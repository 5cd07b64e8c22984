"""Rates of little evidence are near what their like have; of much, near their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search.errors import BadInput
from tests.training.learners.worlds import PROPENSITIES, clicked, counted, truth
from training.clicks import ClickCounts
from training.learners import About, clicked_tables
from training.learners.clicked import JUDGED
from training.learners.evidence import rates_of_gains, seen_only, with_judgments, with_unseen
from training.learners.shrinkage import estimate_rates, fit_strength, hierarchy, lifts, shrink


def test_the_strength_that_made_the_counts_is_found() -> None:
    rng = np.random.default_rng(0)
    means, looks = np.full(20_000, 0.2), rng.integers(5, 200, 20_000).astype(float)
    rates = rng.gamma(40.0 * 0.2, 1 / 40.0, 20_000)
    clicks = rng.poisson(rates * looks).astype(float)
    strength = fit_strength(clicks, looks, means)
    assert strength == pytest.approx(40.0, rel=0.1)
    raw, shrunk = clicks / looks, shrink(clicks, looks, means, strength)
    assert np.mean((shrunk - rates) ** 2) < 0.7 * np.mean((raw - rates) ** 2)


def test_groups_that_differ_by_chance_alone_are_all_the_same() -> None:
    rng = np.random.default_rng(1)
    looks = np.full(5000, 50.0)
    clicks = rng.poisson(0.2 * looks).astype(float)
    rates = shrink(
        clicks, looks, np.full(5000, 0.2), fit_strength(clicks, looks, np.full(5000, 0.2))
    )
    assert rates.std() < 0.01


def test_what_nobody_saw_has_the_rate_of_its_query_and_category_then_of_its_category() -> None:
    rng = np.random.default_rng(2)
    category = np.repeat([0, 1], 300)
    own = np.tile(np.repeat(np.arange(10), 30), 2) + category * 10
    truth_rates = np.where(category == 0, 0.1, 0.4) * (1 + (own % 2))
    looks = np.full(600, 40.0)
    looks[:30] = 0.0  # query 0 was never asked
    clicks = rng.poisson(truth_rates * looks).astype(float)
    means = hierarchy(clicks, looks, [category, own])
    assert means[0] == pytest.approx(0.155, abs=0.04)
    assert means[30] == pytest.approx(0.2, abs=0.03)
    assert means[300] == pytest.approx(0.4, abs=0.05)
    assert means[330] == pytest.approx(0.8, abs=0.06)


def test_a_product_is_lifted_by_other_queries_never_by_its_own() -> None:
    data = clicked(20)
    products = np.arange(len(data.tables.query), dtype=np.int32) % 50
    kin = replace(data.kin, products=products)
    expected = np.full(len(products), 5.0)
    clicks = np.where(products == 7, 15.0, 5.0)
    found = lifts(clicks, expected, kin)
    assert 1.5 < found[products == 7].mean() < 3.0
    assert found[products != 7].mean() == pytest.approx(1.0, abs=0.05)
    alone = np.flatnonzero(products == 9)[0]
    assert lifts(clicks + 100.0 * (np.arange(len(clicks)) == alone), expected, kin)[
        alone
    ] == pytest.approx(found[alone], abs=0.2)


def test_a_new_product_has_the_lift_of_products_like_it() -> None:
    data = clicked(20)
    rows = len(data.tables.query)
    products = np.arange(rows, dtype=np.int32) % 40
    directions = np.eye(2, dtype=np.float32)[np.arange(40) % 2]
    kin = replace(data.kin, products=products, vectors=directions)
    expected = np.where(products < 2, 0.0, 5.0)
    clicks = np.where(products % 2 == 0, 12.0, 3.0) * (expected > 0)
    found = lifts(clicks, expected, kin)
    assert found[products == 0].mean() > 1.8
    assert found[products == 1].mean() < 0.8


def test_judgments_count_as_looks_at_the_rate_that_their_grade_stands_for() -> None:
    data = clicked_tables(truth(), counted(truth(), orders=1), PROPENSITIES)
    some = np.where(np.arange(len(data.tables.gains)) % 2 == 0, data.tables.gains, np.nan)
    judged = replace(data, tables=replace(data.tables, gains=some))
    rates = rates_of_gains(judged)
    assert rates[some == 1.0] == pytest.approx(1.0, abs=0.1)
    assert rates[some == 0.0] == pytest.approx(0.1, abs=0.05)
    mixed = with_judgments(judged, 20.0)
    added = mixed.cells.positions == JUDGED
    assert mixed.examined[::2] - judged.examined[::2] == pytest.approx(20.0)
    assert added.sum() == (~np.isnan(some)).sum()
    before, after = estimate_rates(judged).rates, estimate_rates(mixed).rates
    unseen = (judged.impressions == 0) & (some == 1.0)
    assert after[unseen].mean() > before[unseen].mean() + 0.2
    assert unseen.any()
    assert with_judgments(judged, 0.0) is judged


def test_what_was_never_shown_counts_as_a_few_looks_without_a_click() -> None:
    data = clicked_tables(truth(20), counted(truth(20), orders=1), PROPENSITIES)
    some = seen_only(with_unseen(data, 5.0, 0))
    assert len(seen_only(data).tables.query) == (data.impressions > 0).sum()
    assert len(some.tables.query) == len(data.tables.query)
    assert some.clicks.sum() == data.clicks.sum()
    assert seen_only(data).tables.texts == data.tables.texts


def test_a_log_of_other_products_is_refused() -> None:
    counts = counted(truth(5))
    strangers = replace(counts, products=tuple(f"x{each}" for each in counts.products))
    with pytest.raises(BadInput, match="same products"):
        clicked_tables(truth(5), strangers, PROPENSITIES)
    silent = replace(counts, clicks=np.zeros_like(counts.clicks))
    with pytest.raises(BadInput, match="no click"):
        clicked_tables(truth(5), silent, PROPENSITIES)


def test_impressions_that_match_no_candidate_are_counted() -> None:
    counts: ClickCounts = counted(truth(4))
    found = clicked_tables(truth(4).take([0, 1]), counts, PROPENSITIES, About())
    assert found.left_out == pytest.approx(0.5)
