"""A pool in the order of a model."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rankers.falling import falling
from rankers.model import CLIP, Model
from rankers.ranker import FirstStage, ModelRanker
from rankers.scoring import Scorer
from search.seams import Facts
from search.types import FeatureTable, Pool
from tests.rankers.facts import HandFacts, Item, pool_of
from tests.rankers.models import make_model

NAMES = ("a", "b", "c")
FACTS = cast(Facts, HandFacts([Item("kettle") for _ in range(60)]))
MODEL = make_model(NAMES, "v1", rounds=5, depth=20)


def known(seed: int, decimals: int = 5) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed)
    values = np.round(drawn.uniform(-1, 3, (60, 3)), decimals)
    values[drawn.random(values.shape) < 0.2] = np.nan
    return values.astype(np.float32)


def ranker_over(
    values: NDArray[np.float32],
    model: Model = MODEL,
    depth: int | None = None,
    first_stage: FirstStage = "fused",
) -> ModelRanker:
    def compute(facts: Facts, pool: Pool, names: tuple[str, ...]) -> FeatureTable:
        columns = [NAMES.index(name) for name in names]
        return FeatureTable(names, pool.ranking.ordinals, values[pool.ranking.ordinals][:, columns])

    return ModelRanker(model, "1", compute, depth=depth, first_stage=first_stage)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 999),
    size=st.integers(1, 60),
    depth=st.integers(1, 70),
    decimals=st.sampled_from([0, 5]),
)
def test_the_best_are_in_the_order_of_their_scores_and_the_rest_follow(
    seed: int, size: int, depth: int, decimals: int
) -> None:
    values = known(seed, decimals)
    pool = pool_of("kettle", size)
    ranked = ranker_over(values, depth=depth).rank(FACTS, pool)
    scores = Scorer.of(MODEL).score(values[:size])
    head = min(depth, size)
    expected = sorted(range(head), key=lambda row: (-scores[row], row))
    assert ranked.ranking.ordinals.tolist() == [*expected, *range(head, size)]
    np.testing.assert_array_equal(ranked.scores, scores[:head])
    np.testing.assert_array_equal(ranked.table.ordinals, np.arange(head))
    assert (np.diff(ranked.ranking.scores) < 0).all()
    assert np.isfinite(ranked.ranking.scores).all()


def test_scores_are_as_a_model_documents_them() -> None:
    values = np.array([[1, np.nan, 50], [-3, 0.5, 2]], np.float32)
    model = replace(
        MODEL, weights=np.array([2.0, 3, 5]), centers=np.array([1.0, 0, 0]),
        scales=np.array([2.0, 1, 1]), trees="", tree_weight=0.0,
    )  # fmt: skip
    assert Scorer.of(model).score(values).tolist() == [0 + 0 + 5 * CLIP, -4 + 1.5 + 10]


def test_scores_too_close_for_their_type_still_tell_the_order() -> None:
    model = replace(MODEL, weights=np.array([1e-12, 0, 0]), centers=np.full(3, -1e6),
                    scales=np.ones(3), trees="")  # fmt: skip
    ranked = ranker_over(known(1), model, depth=60).rank(FACTS, pool_of("kettle", 60))
    by_score = np.argsort(-ranked.ranking.scores, kind="stable")
    np.testing.assert_array_equal(by_score, np.arange(60))
    assert (np.diff(ranked.ranking.scores) < 0).all()


@given(st.lists(st.sampled_from([2.0, 1.0, 1e-45, 0.0, -0.0, -1e-45, -3.0]), min_size=1))
def test_each_score_is_the_models_or_just_below_the_one_before(scores: list[float]) -> None:
    best = np.array(sorted(scores, reverse=True))
    found = falling(best, np.zeros(1, np.float32))
    expected = [np.float32(best[0])]
    for score in [*best[1:], best[-1]]:
        below = np.nextafter(expected[-1], np.float32(-np.inf))
        expected.append(min(np.float32(score), below))
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


def test_a_linear_first_stage_chooses_among_all_candidates() -> None:
    values, pool = known(4), pool_of("kettle", 60)
    ranked = ranker_over(values, depth=10, first_stage="linear").rank(FACTS, pool)
    linear = Scorer.of(MODEL).linear(values)
    assert set(ranked.ranking.ordinals[:10]) == set(np.argsort(-linear)[:10])
    rest = ranked.ranking.ordinals[10:]
    assert (np.diff(linear[rest]) <= 0).all()
    assert (np.diff(ranked.ranking.scores) < 0).all()


def test_a_model_without_features_keeps_the_order() -> None:
    fused = Model("fused", "fused", (), "")
    pool = pool_of("kettle", 5)
    ranked = ranker_over(known(1), fused).rank(FACTS, pool)
    assert ranked.ranking is pool.ranking
    assert len(ranked.table.ordinals) == len(ranked.scores) == 0


def test_nothing_to_rank_is_no_fault() -> None:
    assert len(ranker_over(known(1)).rank(FACTS, pool_of("kettle", 0)).ranking) == 0


@pytest.mark.parametrize("parts", [{}, {"trees": ""}, {"weights": np.empty(0),
                         "centers": np.empty(0), "scales": np.empty(0)}])  # fmt: skip
def test_contributions_sum_to_the_score(parts: dict[str, object]) -> None:
    model = replace(MODEL, **parts)  # type: ignore[arg-type]
    ranker = ranker_over(known(7), model, depth=60)
    ranked = ranker.rank(FACTS, pool_of("kettle", 60))
    reasons = ranker.explain(ranked.table)
    np.testing.assert_allclose(reasons.values.sum(1) + reasons.base, ranked.scores, atol=1e-9)


@pytest.mark.parametrize(
    ("noted", "spread"),
    [(None, None), (0.25, 0.25), (3, 3.0), (0.0, None), (-1.0, None), ("wide", None)],
)
def test_the_spread_of_scores_is_what_training_noted(noted: object, spread: float | None) -> None:
    training = {} if noted is None else {"spread": noted}
    assert ranker_over(known(1), replace(MODEL, training=training)).spread == spread
