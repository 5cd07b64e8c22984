"""Features of behavior know what was done before the clicks that are learned from, and no more."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest

from api.click_training import ClickTask, gather
from api.simulation import read_truth
from rankers.features import FEATURES
from tests.api.retraining.conftest import LAST, visit
from training.clicks import ClickCounts, Reading
from training.learners.training import ClickPlan
from training.propensity import Propensities
from training.tables import Tables

pytestmark = pytest.mark.slow
DAY = 86_400.0
BEHAVIOR = [i for i, each in enumerate(FEATURES.values()) if each.source == "behavior"]


def tables(data: Path, days: float) -> Tables:
    """What is learned from in the last days of a log."""
    task = ClickTask(
        data, (data,), data / "model.json", ClickPlan(depth=20), reading=Reading(window_days=days)
    )
    said = asyncio.run(gather(task, lambda text: None, lambda stage, done, total: None))
    return said.tables


def known(counts: ClickCounts) -> Propensities:
    positions = np.arange(1, 11, dtype=np.int32)
    return Propensities("known", positions, 1 / positions)


def test_later_clicks_change_no_feature_and_earlier_ones_do(
    indexed: Path, judgments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looks are impressions times propensities, which later clicks may tell about.
    monkeypatch.setattr("api.click_training.estimator", lambda name: known)
    asked = read_truth(judgments).queries[:10]
    found = []
    for earlier, later in ((0, 5), (800, 5), (800, 6)):
        data = tmp_path / f"{earlier}-{later}"
        shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
        if earlier:
            visit(data, judgments, earlier, days=3, until=LAST - 8 * DAY, queries=asked)
        visit(data, judgments, 300, days=4.9, queries=asked, seed=later)
        found.append(tables(data, 5.5))
    nothing, one, other = found
    assert np.isnan(nothing.values[:, BEHAVIOR]).all()
    shared = [text for text in one.texts if text in other.texts]
    mine, others = one.only(shared), other.only(shared)
    assert np.isfinite(mine.values[:, BEHAVIOR]).any()
    order = [others.texts.index(text) for text in mine.texts]
    np.testing.assert_array_equal(mine.values[:, BEHAVIOR], others.take(order).values[:, BEHAVIOR])
