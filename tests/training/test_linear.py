"""The linear ranker: the fused order without evidence, better with it, and never against a sign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.training.made import NAMES, made
from training import stack
from training.linear import LinearSettings, fit_linear, pair_losses, prepare
from training.measures import yardstick
from training.pairs import collect_pairs

KNOWS, OPPOSITE, KIND = (NAMES.index(name) for name in ("knows", "opposite", "kind"))


def test_without_evidence_it_is_the_fused_order() -> None:
    tables = made(20)
    linear = fit_linear(prepare(tables, 0), LinearSettings(penalty=1e9))
    for query in tables.queries:
        assert (np.diff(linear.scores(query.values)) <= 0).all()


def test_with_evidence_it_beats_the_fused_order_on_other_queries() -> None:
    linear = fit_linear(prepare(made(60, seed=1), 0), LinearSettings(penalty=2.0))
    other = made(60, seed=2)
    measured = yardstick(other)
    assert linear.scores(other.values).shape == (len(other.query),)
    gain = measured.ndcg(linear.scores(other.values)) - measured.ndcg(other.fused)
    assert gain.mean() > 0.1


def test_pairs_of_other_queries_are_likelier_with_evidence_than_by_the_fused_order() -> None:
    problem, other = prepare(made(60, seed=1), 0), made(60, seed=2)
    pairs = collect_pairs(other, 0)
    fitted, prior = (
        pair_losses(each.scores(other.values), pairs, 0.1)
        for each in (fit_linear(problem, LinearSettings(penalty=2.0)), problem.prior)
    )
    assert (prior - fitted).mean() > 0.03
    assert pair_losses(np.zeros(len(other.query)), pairs, 0.1) == pytest.approx(np.log(2))


@pytest.mark.parametrize("focus", [True, False])
def test_a_weight_never_goes_against_its_features_direction(focus: bool) -> None:
    tables = made(40)
    wrong = replace(tables.schema, directions=np.array([1, -1, 1, 0, 0, 0], np.int8))
    turned = stack(tables.queries, wrong)
    weights = fit_linear(prepare(turned, 0), LinearSettings(0.5, focus=focus)).weights
    assert weights[KNOWS] == 0
    assert weights[OPPOSITE] >= 0
    assert weights[0] > 0


def test_unknown_values_add_nothing() -> None:
    tables = made(30)
    linear = fit_linear(prepare(tables, 0), LinearSettings(1.0))
    known = tables.values[:1].copy()
    known[0, 3] = linear.centers[3]
    unknown = known.copy()
    unknown[0, 3] = np.nan
    assert linear.weights[3] != 0
    assert linear.scores(unknown) == pytest.approx(linear.scores(known))


def test_codes_of_categories_have_no_weight() -> None:
    assert fit_linear(prepare(made(30), 0), LinearSettings(0.1)).weights[KIND] == 0


def test_only_the_features_with_the_largest_weights_are_kept() -> None:
    problem = prepare(made(40), 0)
    weights = fit_linear(problem, LinearSettings(1.0, keep=1)).weights
    assert set(np.flatnonzero(weights)) == {0, KNOWS}


@pytest.mark.parametrize("unjudged", [0.0, 0.1, 1.0])
def test_each_query_counts_once(unjudged: float) -> None:
    pairs = collect_pairs(made(10), 0)
    weights = pairs.weights(unjudged, focus=False)
    sums = np.bincount(pairs.query, weights, minlength=10)
    assert sums == pytest.approx(np.ones(10))
    assert pairs.weights(unjudged, focus=True).sum() == pytest.approx(10)


def test_unjudged_products_are_only_ever_the_worse_ones() -> None:
    tables = made(10)
    pairs = collect_pairs(tables, 0)
    assert not np.isnan(tables.gains[pairs.better]).any()
    assert np.isnan(tables.gains[pairs.worse]).tolist() == pairs.weak.tolist()
    assert (tables.query[pairs.better] == tables.query[pairs.worse]).all()
    assert (pairs.gap > 0).all()


def test_what_is_drawn_for_a_query_does_not_depend_on_the_others() -> None:
    tables = made(6, candidates=120)
    alone, among = (collect_pairs(each, 3) for each in (tables.take([4]), tables))
    own = among.query == 4
    assert (among.worse[own] - tables.offsets[4]).tolist() == alone.worse.tolist()
    assert (among.better[own] - tables.offsets[4]).tolist() == alone.better.tolist()


def test_with_little_to_learn_from_only_what_matters_everywhere_is_used() -> None:
    tables = made(40)
    core = np.arange(len(NAMES)) == KNOWS
    turned = stack(tables.queries, replace(tables.schema, core=core))
    problem = prepare(turned, 0)
    weights = fit_linear(problem, LinearSettings(1.0, keep="core")).weights
    used = {KNOWS, *np.flatnonzero(problem.prior.weights).tolist()}
    assert set(np.flatnonzero(weights).tolist()) <= used
    assert weights[KNOWS] > 0
