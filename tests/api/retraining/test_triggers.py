"""When retraining is due: never, or by age, or by drift."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.drift_file import read_drift
from api.retraining import RetrainTask, plan_of
from api.simulation import read_truth
from rankers import Model
from rankers.features import NAMES, VERSION
from tests.api.conftest import connected
from tests.api.retraining.conftest import UNTIL, copied, run, visit
from training.registry import FileRegistry

DAY = 86_400.0
pytestmark = pytest.mark.slow


def serving(data: Path, *, days_old: float = 0.0) -> None:
    """Puts a model to use that learned from the first days of the log."""
    one = np.ones(1)
    notes = {"window": [UNTIL - 10 * DAY, UNTIL - 2 * DAY]}
    model = Model("m", "linear", NAMES[:1], VERSION, one, 0 * one, one, training=notes)
    registry = FileRegistry(
        data / "models", data / "model.json", lambda: time.time() - days_old * DAY
    )
    registry.promote(registry.add(model, {}).version, "for a start")


def test_without_a_model_every_condition_holds(logged: Path) -> None:
    planned = plan_of(RetrainTask(logged, if_drifted=True, if_older_than=30))
    assert planned.outcome == "planned"
    assert "no model serves yet" in planned.sentence


def test_by_age(logged: Path, tmp_path: Path) -> None:
    data = copied(logged, tmp_path)
    serving(data, days_old=3)
    young = run(RetrainTask(data, if_older_than=7))
    assert young.outcome == "not due"
    assert "3.0 days old, not more than 7" in young.sentence
    assert not list((data / "retraining").glob("*/state.json"))
    old = plan_of(RetrainTask(data, if_older_than=2))
    assert old.outcome == "planned"
    assert "3.0 days old, more than 2" in old.sentence


async def _metrics(data: Path) -> str:
    async with connected(data) as client:
        found: httpx.Response = await client.get("/metrics")
        return found.text


def test_by_drift(logged: Path, judgments: Path, tmp_path: Path) -> None:
    data = copied(logged, tmp_path)
    serving(data)
    task = RetrainTask(data, if_drifted=True)
    assert run(task).outcome == "not due"
    calm = read_drift(data)
    assert calm is not None
    assert calm.indices["queries"] < 0.1
    asked = read_truth(judgments).queries
    visit(data, judgments, 2000, days=2, until=UNTIL + 2 * DAY, queries=asked[:10], seed=9)
    planned = plan_of(task)
    assert planned.outcome == "planned"
    assert "queries" in planned.sentence
    assert read_drift(data) == calm


async def test_gauges_tell_the_latest_look(data: Path) -> None:
    assert "aisle_drift_index" not in (await _metrics(data)).replace(
        "# HELP aisle_drift_index", ""
    ).replace("# TYPE aisle_drift_index", "")
    (data / "drift.json").write_text(
        '{"checked": 12.5, "scores": {"index": 0.3}, "queries": null, "results": {"index": 0.1},'
        ' "features": [{"index": 0.2}, {"index": 0.4}]}'
    )
    text = await _metrics(data)
    assert 'aisle_drift_index{part="scores"} 0.3' in text
    assert 'aisle_drift_index{part="queries"} NaN' in text
    assert 'aisle_drift_index{part="features_max"} 0.4' in text
    assert "aisle_drift_checked_timestamp 12.5" in text
    (data / "drift.json").write_text("{")
    assert "aisle_ready 1.0" in await _metrics(data)
