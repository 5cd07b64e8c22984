"""Training sees nothing of the days that judge it: with and without them it finds the same."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.registry import registry_of
from api.retraining import RetrainTask
from api.retraining.state import Run, State
from api.retraining.steps import STEPS, Job
from api.retraining.window import Window
from api.settings import load_settings
from api.simulation import read_truth
from api.simulation.offline import write
from api.simulation.rows import arrow_schema
from rankers import Model, load_model
from tests.api.retraining.conftest import UNTIL, visit
from training.events.tables import open_tables
from training.simulation import click_model

pytestmark = pytest.mark.slow
DAY = 86_400.0
CUT = UNTIL - 2 * DAY
_LATE = f"""
SELECT 'late-' || search_id AS event_id, 'click' AS action, {CUT} + 60.0 AS time, search_id,
    client, session, application, query, products[5] AS product, 5 AS position,
    NULL AS dwell, NULL AS value, '' AS message, '{{}}' AS attributes
FROM searches WHERE time > {CUT} - 7200 AND time < {CUT} AND len(products) >= 5
"""
"""Clicks after midnight on pages from before it."""
_OTHERWISE = f"""
SELECT * REPLACE ('later-' || search_id AS search_id, 'later-' || client AS client,
                  'later-' || session AS session, time - 30 AS time,
                  list_transform(features, lambda x: x + 1) AS features)
FROM searches WHERE time > {CUT} + 60 AND len(features) > 0
"""
"""Pages after midnight, before all others, of which other features were logged."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What the steps up to the model found."""

    read: Any
    behavior: str
    model: Model


def learned(data: Path) -> Learned:
    """What is learned from before `CUT`."""
    task = RetrainTask(data, depth=30)
    window = Window(UNTIL - 10 * DAY, CUT, UNTIL)
    run = Run(data / "retraining" / "r", State("r", task.parameters(), window, {}))
    run.begin()
    settings = load_settings(data)
    job = Job(
        task, settings, registry_of(settings), run, lambda text: None, lambda one, two, three: None
    )
    for name in ("compact", "estimate", "behavior", "train"):
        act, files = STEPS[name]
        run.keep(name, asyncio.run(act(job)), files, 0.0)
    behavior = run.result("behavior")["version"]
    # Who is a bot is told by all of the log.
    read = {k: v for k, v in run.result("estimate").items() if k not in ("flagged", "remarks")}
    return Learned(read, behavior, load_model(run.folder / "model.json"))


def later(data: Path, judgments: Path) -> None:
    """Adds two days of other shoppers, who ask for more, click otherwise and are logged with
    features, and late clicks on what was shown before."""
    queries = read_truth(judgments).queries[7:17]
    trusting = click_model("trust")
    visit(data, judgments, 400, days=1.9, queries=queries, seed=11, model=trusting, features=1.0)
    with open_tables([data]) as connection:
        found = {"events": _LATE, "searches": _OTHERWISE}
        rows = {name: connection.sql(each).to_arrow_table() for name, each in found.items()}
    assert all(len(each) > 5 for each in rows.values())
    schemas = {name: arrow_schema(name) for name in rows}
    write(data, {n: each.select(schemas[n].names).cast(schemas[n]) for n, each in rows.items()})


def test_days_that_judge_change_nothing_that_is_learned(
    indexed: Path, judgments: Path, tmp_path: Path
) -> None:
    alone, followed = tmp_path / "alone", tmp_path / "followed"
    shutil.copytree(indexed, alone, ignore=shutil.ignore_patterns("events"))
    queries = read_truth(judgments).queries[:14]
    # The last shoppers before midnight.
    visit(alone, judgments, 1000, days=7.9, until=CUT - 300.0, queries=queries, features=0.0)
    shutil.copytree(alone, followed, symlinks=True)
    later(followed, judgments)
    one, other = learned(alone), learned(followed)
    assert one.read == other.read
    # A behavior's version is a checksum of its counts and of how often each query was asked.
    assert one.behavior == other.behavior
    assert one.model.trees == other.model.trees
    assert one.model.weights.tolist() == other.model.weights.tolist()
    assert one.model.training == other.model.training
    assert one.model.metrics == other.model.metrics
