"""The choice and what it is worth: nothing of a query reaches what scores it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval import folds
from search.errors import BadInput
from tests.training.made import made
from training import Tables, cross_validate, stack
from training.comparison import chosen_kinds, gains_of_choice, pooled, standings
from training.effort import SMALL, effort_for
from training.linear import prepare
from training.measures import yardstick
from training.nested import CHOSEN, held_out_rows
from training.scorers import KINDS, Scorer, blend, fit_kinds, spread
from training.searching import Tried
from training.select import choose, winner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def helpful() -> Tables:
    return made(40)


@pytest.fixture(scope="module")
def worthless() -> Tables:
    """Features that know nothing, so that nothing beats the fused order but by chance."""
    tables = made(60, seed=9)
    rng = np.random.default_rng(0)
    queries = []
    for each in tables.queries:
        values = each.values.copy()
        values[:, 1:5] = rng.normal(size=(len(values), 4))
        queries.append(replace(each, values=values))
    return stack(queries, tables.schema)


def test_a_feature_that_knows_more_is_chosen_and_gains(helpful: Tables) -> None:
    found = cross_validate(helpful, seeds=1, k=3)
    by_name = {each.name: each for each in standings(found)}
    assert by_name[CHOSEN].against.delta > 0.05
    assert by_name[CHOSEN].against.low > 0
    assert by_name[CHOSEN].against.p < 0.01
    assert "fused" not in chosen_kinds(found)
    assert sum(chosen_kinds(found).values()) == 3
    assert set(by_name) == {*KINDS, CHOSEN}


def test_the_fused_order_stays_when_nothing_beats_it(worthless: Tables) -> None:
    choice = choose(worthless, SMALL, 0)
    for kind, gain in choice.gains.items():
        if kind != "fused" and choice.kind == "fused":
            assert gain.mean <= gain.error
    found = cross_validate(worthless, seeds=1, kinds=("linear",))
    standing = standings(found)[-1]
    assert standing.against.low <= 0
    assert abs(standing.against.delta) < 0.03


def test_queries_held_out_gain_nothing_from_random_labels(helpful: Tables) -> None:
    rng = np.random.default_rng(3)
    queries = []
    for each in helpful.queries:
        judged = np.flatnonzero(~np.isnan(each.gains))
        gains = each.gains.copy()
        gains[judged] = rng.permutation(gains[judged])
        queries.append(replace(each, gains=gains))
    found = cross_validate(stack(queries, helpful.schema), seeds=1, kinds=("linear", "trees"))
    for standing in standings(found):
        assert standing.against.low < 0.02


def test_a_query_is_scored_without_its_own_judgments(helpful: Tables) -> None:
    """Turning one query's judgments around changes no score of it."""
    first = helpful.queries[0]
    gains = 1.0 - first.gains
    changed = stack([replace(first, gains=gains), *helpful.queries[1:]], helpful.schema)
    one, other = (cross_validate(each, seeds=1, kinds=("linear",)) for each in (helpful, changed))
    rows = slice(0, len(first.products))
    assert np.array_equal(one.held["linear"].scores[:, rows], other.held["linear"].scores[:, rows])
    assert not np.array_equal(one.held["linear"].scores, other.held["linear"].scores)


def test_everything_follows_from_the_seed_bit_for_bit(helpful: Tables) -> None:
    one, other = (cross_validate(helpful, seeds=2, k=2) for _ in range(2))
    for name, held in one.held.items():
        assert held.scores.tobytes() == other.held[name].scores.tobytes()
    assert one.choices == other.choices
    assert not np.array_equal(one.held["linear"].scores[0], one.held["linear"].scores[1])


def test_the_procedure_scores_as_the_kind_it_chose(helpful: Tables) -> None:
    found = cross_validate(helpful, seeds=1, k=2)
    for fold, choice in zip(folds(helpful.texts, 2, 0), found.choices[0], strict=True):
        rows = held_out_rows(helpful, fold.train)
        chosen, kind = found.held[CHOSEN].scores[0], found.held[choice.kind].scores[0]
        assert np.array_equal(chosen[rows], kind[rows])


def test_a_blend_is_one_scorer_that_adds_both_up(helpful: Tables) -> None:
    choice = choose(helpful, SMALL, 0)
    scorers = fit_kinds(helpful, prepare(helpful, 0), choice)
    linear, trees = scorers["linear"], scorers["trees"]
    mixed = blend(linear, trees, 0.3, helpful).scores(helpful.values)
    parts = [each.scores(helpful.values) for each in (linear, trees)]
    shares = [part / spread(part, helpful) for part in parts]
    assert mixed == pytest.approx(0.7 * shares[0] + 0.3 * shares[1])


def test_trees_stand_on_what_they_start_from(helpful: Tables) -> None:
    choice = choose(helpful, SMALL, 0, ("stacked",))
    stacked = fit_kinds(helpful, prepare(helpful, 0), choice)["stacked"]
    assert stacked.trees is not None
    alone = Scorer(stacked.linear).scores(helpful.values)
    added = stacked.trees.scores(helpful.values)
    assert stacked.scores(helpful.values) == pytest.approx(alone + added)


def test_several_catalogues_are_judged_together(helpful: Tables, worthless: Tables) -> None:
    found = [cross_validate(each, seeds=1, kinds=("linear",)) for each in (helpful, worthless)]
    together = pooled(found)
    assert together.queries == 100
    means = [gains_of_choice(each).mean() for each in found]
    assert together.delta == pytest.approx((40 * means[0] + 60 * means[1]) / 100, abs=1e-9)


def test_with_time_up_one_split_is_whole(helpful: Tables) -> None:
    found = cross_validate(helpful, seeds=3, k=2, kinds=("linear",), seconds=1e-6)
    assert found.seeds == 1
    assert yardstick(helpful).ndcg(found.held["linear"].scores[0]).min() >= 0


def test_few_queries_are_not_tuned_and_many_are() -> None:
    assert effort_for(100).trials == 0
    assert effort_for(4000).trials > 0


def test_too_few_queries_are_refused() -> None:
    with pytest.raises(BadInput, match="cannot fill"):
        cross_validate(made(3), k=5)


def test_settings_are_not_measured_where_they_were_chosen() -> None:
    """The best of many settings worth nothing looks good; what is reported does not."""
    rng = np.random.default_rng(0)
    many = [Tried([rng.normal(size=(200, 20)) for _ in range(5)]) for _ in range(100)]
    looks = [np.concatenate(list(each.table), axis=1)[each.best()].mean() for each in many]
    honest = [np.concatenate(each.gains()).mean() for each in many]
    assert np.mean(looks) > 0.2
    assert abs(np.mean(honest)) < 0.04


def test_of_kinds_about_as_good_the_simplest_wins() -> None:
    rng = np.random.default_rng(1)
    gained = 0.05 + 0.1 * rng.normal(size=200)
    same = gained + np.tile([0.02, -0.02], 100)
    nothing = np.zeros(200)
    assert winner({"fused": nothing, "linear": same, "blend": gained + 1e-4}) == "linear"
    assert winner({"fused": nothing, "linear": gained - 0.03, "blend": same}) == "blend"
    assert winner({"fused": nothing, "linear": 0.001 + 0.1 * rng.normal(size=200)}) == "fused"
