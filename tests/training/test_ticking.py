"""Training tells of every ranker it fits, as many as it said beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.training.made import made
from training import Plan, cross_validate
from training.effort import PLENTIFUL, SMALL, Effort
from training.nested import procedure_fits
from training.scorers import KINDS, Kind
from training.select import choose, choosing_fits
from training.ticking import Counter
from training.train import train

TABLES = made(20, 12)


def test_a_counter_begins_at_nothing_and_ends_once() -> None:
    told: list[tuple[int, int]] = []
    counter = Counter(3, lambda done, total: told.append((done, total)))
    counter()
    counter.finish()
    counter.finish()
    assert told == [(0, 3), (1, 3), (3, 3)]


@pytest.mark.parametrize("kinds", [("linear",), ("stacked",), ("trees", "stacked"), KINDS])
@pytest.mark.parametrize("effort", [SMALL, PLENTIFUL])
def test_every_fit_is_counted_beforehand(effort: Effort, kinds: Sequence[Kind]) -> None:
    quick = replace(effort.preset, rounds=3)
    effort = replace(effort, preset=quick, trials=min(effort.trials, 2))
    ticks: list[None] = []
    choose(TABLES, effort, 0, kinds, lambda: ticks.append(None))
    assert len(ticks) == choosing_fits(effort, kinds)


def test_cross_validation_tells_of_pieces_smaller_than_folds() -> None:
    told: list[tuple[int, int]] = []
    cross_validate(
        TABLES,
        seeds=2,
        k=2,
        kinds=("linear",),
        progress=lambda done, total: told.append((done, total)),
    )
    total = 2 * 2 * procedure_fits(TABLES, 10, ("linear",))
    assert told == [(done, total) for done in range(total + 1)]
    assert total > 40


def test_training_on_all_queries_is_told_of_as_well() -> None:
    told: list[tuple[int, int]] = []
    plan = Plan("linear", 1, 2)
    train(TABLES, "m", plan, None, last=lambda done, total: told.append((done, total)))
    total = procedure_fits(TABLES, len(TABLES), ("linear",))
    assert told == [*((done, total) for done in range(total + 1))]
