from __future__ import annotations

import numpy as np
import pytest

from search.errors import BadInput
from tests.training.propensity.made import counts
from training.propensity import check_misfit, estimate, estimator, halves, held_out
from training.simulation import (
    click_model,
    expected_counts,
    make_world,
    relative_propensities,
    simulate_counts,
)


@pytest.mark.slow
@pytest.mark.parametrize("queries", [10, 1000])
def test_intervals_hold_the_truth_about_as_often_as_they_say(queries: int) -> None:
    model, inside = click_model("joachims"), []
    for seed in range(40):
        world = make_world(seed, queries=queries)
        drawn = simulate_counts(world, model, 20_000, seed)
        curve = estimate(drawn, estimator(), bootstrap=60, seed=seed)
        truth = relative_propensities(model, 10)
        inside.append(((curve.low <= truth) & (truth <= curve.high))[1:])
    assert 0.90 <= np.mean(inside) <= 0.99


def test_few_queries_are_resampled_by_documents() -> None:
    model = click_model("joachims")
    for queries, unit in ((10, "documents"), (200, "queries")):
        drawn = simulate_counts(make_world(1, queries=queries), model, 20_000)
        curve = estimate(drawn, estimator(), bootstrap=20)
        assert curve.resampled == unit
        assert curve.low[0] == curve.high[0] == 1
        assert (curve.low[1:] < curve.propensities.values[1:]).all()


def test_the_seed_decides_and_no_bootstrap_gives_no_interval() -> None:
    drawn = simulate_counts(make_world(1, queries=50), click_model("ultra"), 20_000)
    first, second, other = (
        estimate(drawn, estimator(), bootstrap=20, seed=seed) for seed in (1, 1, 2)
    )
    assert (first.low == second.low).all()
    assert (first.low != other.low).any()
    bare = estimate(drawn, estimator(), bootstrap=0)
    assert (bare.low == bare.propensities.values).all()
    assert bare.resampled == ""
    with pytest.raises(BadInput, match="5 resamples give no interval"):
        estimate(drawn, estimator(), bootstrap=5)


@pytest.mark.parametrize(
    ("model", "warns"),
    [("joachims", False), ("ultra", False), ("trust", True), ("cascade", True), ("dbn", True)],
)
def test_only_clicks_that_are_not_of_positions_alone_raise_the_warning(
    model: str, warns: bool
) -> None:
    for seed in range(2):
        drawn = simulate_counts(make_world(seed), click_model(model), 40_000, seed)
        misfit = check_misfit(drawn, estimator(), seed)
        assert bool(misfit.warning) is warns, misfit.checks
        if warns:
            assert "Compare both on judgments" in misfit.warning


def test_position_and_document_together_foretell_held_out_clicks_best() -> None:
    drawn = simulate_counts(make_world(0), click_model("joachims"), 40_000)
    first, second = halves(drawn)
    tried = held_out(first, second, estimator()(first))
    both, position, document = tried.overall()
    assert both > max(position, document)
    assert tried.groups.tolist() == list(range(1, 11))
    assert tried.impressions.sum() == second.impressions.sum()


def test_halves_share_out_every_impression_with_its_click() -> None:
    drawn = simulate_counts(make_world(0, queries=50), click_model("ultra"), 20_000)
    first, second = halves(drawn, 3)
    assert (first.impressions + second.impressions == drawn.impressions).all()
    assert (first.clicks + second.clicks == drawn.clicks).all()
    assert (first.clicks <= first.impressions).all()
    assert first.impressions.sum() == pytest.approx(drawn.impressions.sum() / 2, rel=0.02)


def test_decayed_counts_can_be_checked_and_graded_ones_are_left() -> None:
    decayed = expected_counts(make_world(0), click_model("ultra"), 40_000)
    assert check_misfit(decayed, estimator()).warning == ""
    graded = counts({(0, 1): (5.0, 9.0), (0, 2): (5.0, 4.0)})
    assert "plain clicks" in check_misfit(graded, estimator()).skipped


def test_too_few_clicks_are_not_checked() -> None:
    few = counts({(0, 1): (5.0, 2.0), (0, 2): (5.0, 1.0)})
    assert "too few clicks" in check_misfit(few, estimator()).skipped
