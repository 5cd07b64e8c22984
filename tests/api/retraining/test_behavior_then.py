"""Features of behavior know what was done before each period, and no more."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest

from api.click_training import ClickTask, Gathered, gather
from api.simulation import read_truth
from api.training import CHANGING
from rankers.features import NAMES
from tests.api.retraining.conftest import LAST, visit
from training.clicks import ClickCounts, Reading
from training.learners.training import ClickPlan
from training.propensity import Propensities
from training.tables import Tables

pytestmark = pytest.mark.slow
DAY = 86_400.0
CHANGE = [NAMES.index(name) for name in CHANGING]


def gathered(data: Path) -> Gathered:
    """What is learned from."""
    task = ClickTask(data, (data,), data / "model.json", ClickPlan(depth=20), reading=Reading())
    return asyncio.run(gather(task, lambda text: None, lambda stage, done, total: None))


def known(counts: ClickCounts) -> Propensities:
    positions = np.arange(1, 11, dtype=np.int32)
    return Propensities("known", positions, 1 / positions)


def test_later_clicks_change_no_feature_of_a_period_and_earlier_ones_do(
    indexed: Path, judgments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looks are impressions times propensities, which later clicks may tell about.
    monkeypatch.setattr("api.click_training.estimator", lambda name: known)
    # Periods begin where they do in both logs, however many searches each has.
    begins = tuple(LAST - days * DAY for days in (8, 6, 4, 2))
    monkeypatch.setattr("training.learners.splitting.moments_between", lambda first, cut: begins)
    asked = read_truth(judgments).queries[:10]
    found = []
    for seed in (5, 6):
        data = tmp_path / str(seed)
        shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
        visit(data, judgments, 400, days=3.9, until=begins[2] - 900, queries=asked)
        visit(data, judgments, 300, days=3.9, until=LAST, queries=asked, seed=seed)
        found.append(gathered(data).tables)
    same = [agree(*each) for each in zip(*found, strict=True)]
    # Clicks differ from the third period on: its features are of what was the same.
    assert same == [True, True, True, False]
    told = [np.isfinite(each.values[:, CHANGE]).any() for each in found[0]]
    assert told == [False, True, True, True]
    assert not agree(found[0][1], found[0][2])


def agree(one: Tables, other: Tables) -> bool:
    """Whether candidates that both have do not differ in what is known of behavior."""
    mine, others = (
        {
            (query.query, product): values[CHANGE]
            for query in each.queries
            for product, values in zip(query.products, query.values, strict=True)
        }
        for each in (one, other)
    )
    shared = sorted(mine.keys() & others.keys())
    assert shared
    return all(np.array_equal(mine[each], others[each], equal_nan=True) for each in shared)
