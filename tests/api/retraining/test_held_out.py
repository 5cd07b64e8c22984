"""Training sees nothing of the days that judge it: other ones there make no other model."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from api.registry import registry_of
from api.retraining import RetrainTask, plan_of
from api.retraining.state import Run, State
from api.retraining.steps import STEPS, Job
from api.retraining.window import Window
from api.settings import load_settings
from api.simulation import read_truth
from rankers import Model, load_model
from tests.api.retraining.conftest import LAST, UNTIL, visit

pytestmark = pytest.mark.slow
DAY = 86_400.0


def learned(indexed: Path, judgments: Path, place: Path, later: tuple[int, int]) -> Model:
    """The model of a log whose last two days are of some other seed and queries."""
    data = place / "data"
    shutil.copytree(indexed, data, ignore=shutil.ignore_patterns("events"))
    asked = read_truth(judgments).queries
    visit(data, judgments, 1500, days=7.9, until=LAST - 2 * DAY, queries=asked[:40])
    seed, count = later
    visit(data, judgments, 500, days=1.9, queries=asked[:count], seed=seed)
    task = RetrainTask(data)
    assert plan_of(task).window is not None
    window = Window(UNTIL - 10 * DAY, UNTIL - 2 * DAY, UNTIL)
    run = Run(data / "retraining" / "r", State("r", task.parameters(), window, {}))
    run.begin()
    settings = load_settings(data)
    job = Job(
        task, settings, registry_of(settings), run, lambda text: None, lambda one, two, three: None
    )
    for name in ("compact", "estimate", "behavior", "train"):
        act, files = STEPS[name]
        run.keep(name, asyncio.run(act(job)), files, 0.0)
    return load_model(run.folder / "model.json")


def test_other_clicks_later_make_no_other_model(
    indexed: Path, judgments: Path, tmp_path: Path
) -> None:
    one, other = (
        learned(indexed, judgments, tmp_path / str(seed), (seed, count))
        for seed, count in ((11, 40), (12, 5))
    )
    assert one.trees == other.trees
    assert one.weights.tolist() == other.weights.tolist()
    assert one.training == other.training
    assert one.metrics == other.metrics
