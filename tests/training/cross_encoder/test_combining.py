"""How much a cross-encoder counts beside a model, and what both are worth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.made import made
from training import Tables
from training.cross_encoder.combining import (
    ALONE,
    WEIGHTS,
    WITH,
    WITHOUT,
    best_rows,
    combine,
    cross_spread,
    reread,
)
from training.measures import yardstick
from training.tables import Values

READ = 10


def cross_of(tables: Tables, knows: float, seed: int = 0) -> Values:
    """Scores of the best candidates by one who knows so much of the truth."""
    rng = np.random.default_rng(seed)
    hidden = tables.values[:, 1].astype(np.float64)
    cross = np.full(len(tables.query), np.nan)
    rows = best_rows(tables, tables.fused, READ)
    cross[rows] = 7 * (knows * hidden[rows] + rng.normal(size=len(rows)) * (1 - knows)) - 3
    return cross


def parts(tables: Tables, count: int = 5) -> list[tuple[str, ...]]:
    return [tables.texts[i::count] for i in range(count)]


def test_one_who_knows_what_the_model_misses_helps() -> None:
    tables = made(100)
    found = combine(tables, tables.fused, cross_of(tables, 1.0), parts(tables))
    assert found.helps
    assert found.gain.low > 0
    assert all(weight > 0 for weight in found.weights)
    measured = yardstick(tables)
    assert found.orders[WITHOUT].ndcg[-1] == pytest.approx(measured.ndcg(tables.fused).mean())
    assert found.orders[WITH].ndcg[-1] > found.orders[WITHOUT].ndcg[-1]
    assert found.gain.delta == pytest.approx(found.over_fused.delta)


@pytest.mark.parametrize("seed", range(5))
def test_one_who_knows_nothing_is_not_let_in(seed: int) -> None:
    tables = made(100, seed=seed)
    found = combine(tables, tables.fused, cross_of(tables, 0.0, seed), parts(tables))
    assert not found.helps
    assert found.orders[ALONE].ndcg[-1] < found.orders[WITHOUT].ndcg[-1]


def test_the_weight_of_a_part_is_chosen_on_the_others() -> None:
    """One who tells the truth in one part alone must not be believed there for it."""
    tables = made(40)
    split = parts(tables, 2)
    liar, honest = -cross_of(tables, 1.0), cross_of(tables, 1.0)
    first = np.isin(np.array(tables.texts)[tables.query], split[0])
    found = combine(tables, tables.fused, np.where(first, honest, liar), split)
    assert found.weights[0] == 0
    assert found.weights[1] > 0
    assert found.gain.delta < 0


@given(
    seed=st.integers(0, 1000),
    weight=st.sampled_from(WEIGHTS),
    scale=st.floats(0.01, 100),
)
def test_what_is_not_read_stays_behind_in_its_order(seed: int, weight: float, scale: float) -> None:
    tables = made(3, 25, seed=seed)
    scores = tables.fused * scale
    cross = cross_of(tables, 0.5, seed)
    new = reread(tables, scores, cross, weight, (scale, cross_spread(tables, cross)))
    for start, stop in zip(tables.offsets[:-1], tables.offsets[1:], strict=True):
        before = start + np.argsort(-scores[start:stop], kind="stable")
        after = start + np.argsort(-new[start:stop], kind="stable")
        assert set(before[:READ]) == set(after[:READ])
        assert list(before[READ:]) == list(after[READ:])
        if not weight:
            assert list(before) == list(after)


def test_the_best_are_those_that_serving_would_read() -> None:
    tables = made(2, 30)
    tables.named[tables.offsets[1] - 1] = True  # named outright: first, whatever its score
    rows = best_rows(tables, tables.fused, READ)
    assert len(rows) == 2 * READ
    assert tables.offsets[1] - 1 in rows
    assert list(rows) == sorted(rows)
