"""The chain: a model from a log, the same one however often it is stopped."""

from __future__ import annotations

import asyncio
import csv
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import orjson
import pytest

from api.evaluation import IndexSearcher
from api.registry import registry_of
from api.retraining import RetrainTask, plan_of
from api.retraining.lock import alone
from api.retraining.state import runs
from api.retraining.steps import STEPS
from api.settings import load_settings
from api.simulation import read_truth
from eval import Run
from rankers import Model
from rankers.behavior import load_current
from rankers.features import VERSION
from search.build import HYBRID, open_search
from search.errors import BadInput
from tests.api.conftest import aisle, served
from tests.api.retraining.conftest import UNTIL, Trained, copied, run, visit
from training.events.tables import open_tables

DAY = 86_400.0
pytestmark = pytest.mark.slow


def by_hand(data: Path) -> str:
    """A model that keeps the fused order, put to use; its version."""
    one = np.ones(1)
    model = Model("by hand", "linear", ("fused_share",), VERSION, one, 0 * one, one)
    registry = registry_of(load_settings(data))
    return registry.promote(registry.add(model, {}).version, "for a start").version


def test_a_log_becomes_a_model_that_serves(trained: Trained) -> None:
    outcome = trained.outcome
    assert outcome.outcome == "promoted", outcome.sentence
    registry = registry_of(load_settings(trained.data))
    assert registry.serving() == outcome.version
    entry = registry.entry(outcome.version)
    assert entry.verdict is not None
    assert entry.verdict["passed"]
    lineage = entry.lineage
    assert lineage["window"] == [UNTIL - 10 * DAY, UNTIL - 2 * DAY]
    assert lineage["held_out"] == [UNTIL - 2 * DAY, UNTIL]
    assert lineage["learner"] == "eb-labels"
    assert lineage["feature_version"] == VERSION
    assert lineage["curve"]["positions"][0]["propensity"] == 1.0
    assert lineage["curve"]["positions"][-1]["propensity"] < 0.5
    assert {"aisle", "commit", "snapshot", "parameters", "behavior", "flagged"} <= set(lineage)
    assert list(outcome.steps) == list(STEPS)


def test_training_counts_nothing_that_was_held_out(trained: Trained) -> None:
    with open_tables([trained.data]) as connection:
        cut = UNTIL - 2 * DAY
        counted = connection.execute(
            "SELECT count(DISTINCT search_id) FROM clean_searches WHERE time < ?", [cut]
        ).fetchall()[0][0]
    entry = registry_of(load_settings(trained.data)).entry(trained.outcome.version)
    assert entry.lineage["searches"] == counted
    state = orjson.loads((trained.folder / "state.json").read_bytes())
    assert state["window"]["cut"] == cut
    behavior = orjson.loads((trained.folder / "behavior.json").read_bytes())["version"]
    assert behavior.startswith("20261030T000000")
    current = load_current(trained.data)
    assert current is not None
    assert current.moment == UNTIL


def test_the_same_log_again_is_nothing_to_do(trained: Trained) -> None:
    before = (trained.folder / "state.json").stat().st_mtime_ns
    again = run(RetrainTask(trained.data))
    assert again.outcome == "unchanged"
    assert again.version == trained.outcome.version
    assert again.steps == {}
    assert (trained.folder / "state.json").stat().st_mtime_ns == before
    other = plan_of(RetrainTask(trained.data, learner="naive"))
    assert other.outcome == "planned"
    assert other.run != trained.outcome.run


def test_the_model_that_serves_is_not_made_again(
    trained: Trained, judgments: Path, tmp_path: Path
) -> None:
    data = copied(trained.data, tmp_path)
    again = run(RetrainTask(data, judgments))
    assert again.run != trained.outcome.run
    assert again.outcome == "unchanged"
    assert again.sentence.startswith(f"nothing new: the model is {trained.outcome.version} again")
    registry = registry_of(load_settings(data))
    assert [each.version for each in registry.entries()] == [trained.outcome.version]
    assert [each.action for each in registry.history()] == ["promote"]
    once_more = run(RetrainTask(data, judgments))
    assert once_more.outcome == "unchanged"
    assert "was the one that served already" in once_more.sentence


def test_a_dry_run_changes_nothing(logged: Path) -> None:
    before = sorted(logged.rglob("*"))
    planned = plan_of(RetrainTask(logged))
    assert planned.outcome == "planned"
    assert "2026-10-22 to 2026-10-29" in planned.sentence
    assert "2026-10-30 to 2026-10-31" in planned.sentence
    assert sorted(logged.rglob("*")) == before


def test_killed_at_every_step_it_goes_on_to_the_same_model(
    logged: Path, trained: Trained, tmp_path: Path
) -> None:
    data = copied(logged, tmp_path)
    killing = subprocess.run(
        [sys.executable, "-m", "tests.api.retraining.killing", str(data)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=250,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert killing.returncode == 0, killing.stderr
    last = run(RetrainTask(data))
    assert last.outcome == "promoted"
    assert last.run == trained.outcome.run
    assert last.kept == tuple(STEPS)
    assert last.steps == {}
    ours = data / "retraining" / last.run / "model.json"
    assert ours.read_bytes() == (trained.folder / "model.json").read_bytes()
    registry = registry_of(load_settings(data))
    assert [each.version for each in registry.entries()] == [trained.outcome.version]
    assert [each.action for each in registry.history()] == ["promote"]


def test_a_damaged_result_is_made_again_with_all_that_follows(
    trained: Trained, tmp_path: Path
) -> None:
    data = copied(trained.data, tmp_path)
    (only,) = runs(data)
    only.end("")
    (only.folder / "gate.json").write_text('{"passed": true}')
    again = run(RetrainTask(data))
    assert list(again.steps) == ["gate", "promote", "publish", "prune"]
    assert again.outcome == "promoted"


def test_a_run_whose_rows_changed_meanwhile_is_begun_anew(trained: Trained, tmp_path: Path) -> None:
    data = copied(trained.data, tmp_path)
    (only,) = runs(data)
    only.end("")
    with open_tables([data]) as connection:
        client = connection.execute("SELECT min(client) FROM searches").fetchall()[0][0]
    manifest = orjson.loads((data / "events" / "manifest.json").read_bytes())
    manifest["forgotten"] = [{"clients": [client], "files": [], "segments": []}]
    (data / "events" / "manifest.json").write_bytes(orjson.dumps(manifest))
    planned = plan_of(RetrainTask(data))
    assert planned.outcome == "planned"
    assert planned.run != only.state.run
    assert planned.kept == ()


def test_two_at_once_are_one_after_the_other(logged: Path, tmp_path: Path) -> None:
    data = copied(logged, tmp_path)
    with alone(data / "retraining"):
        second = aisle("retrain", "--data", data)
    assert second.returncode == 75
    assert f"(process {os.getpid()})" in second.stderr.decode()
    assert runs(data) == []


async def fused_tops(data: Path, queries: Sequence[str]) -> Run:
    """The first products of some queries in the fused order."""
    search = await open_search(load_settings(data))
    try:
        return await IndexSearcher(search).run(HYBRID, queries, 20, None)
    finally:
        await search.close()


def test_a_refused_model_leaves_what_serves(
    trained: Trained, judgments: Path, tmp_path: Path
) -> None:
    data = copied(trained.data, tmp_path)
    serving = by_hand(data)
    spoiled = tmp_path / "judgments.csv"
    tops = asyncio.run(fused_tops(data, read_truth(judgments).queries[:80]))
    with spoiled.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "product_id", "rating"))
        # What serves is perfect by these judgments, so that any other order is worse.
        writer.writerows(
            (query, product, 3 if place < 5 else 0)
            for query, products in tops.items()
            for place, product in enumerate(products)
        )
    task = RetrainTask(data, spoiled)
    refused = run(task)
    assert refused.outcome == "refused", refused.checks
    assert "worse" in refused.reasons[0]
    registry = registry_of(load_settings(data))
    assert registry.serving() == serving
    verdict = registry.entry(refused.version).verdict
    assert verdict is not None
    assert not verdict["passed"]
    assert run(task).outcome == "unchanged"


def test_a_running_server_follows(trained: Trained, tmp_path: Path) -> None:
    data = copied(trained.data, tmp_path)
    registry_of(load_settings(data)).rollback("to see it come")
    (only,) = runs(data)
    only.end("")
    only.forget(["promote", "publish", "prune"])
    with served(data) as (url, _):
        query = {"q": "lamp", "log": "false"}
        assert httpx.get(f"{url}/v1/search", params=query).json()["model"] is None
        again = run(RetrainTask(data))
        assert list(again.steps) == ["promote", "publish", "prune"]
        until = time.monotonic() + 20
        while time.monotonic() < until:
            model = httpx.get(f"{url}/v1/search", params=query).json()["model"]
            if model and model["version"] == trained.outcome.version:
                break
            time.sleep(0.2)
        assert model["version"] == trained.outcome.version


def test_a_log_of_one_day_says_what_is_missing(
    indexed: Path, judgments: Path, tmp_path: Path
) -> None:
    data = copied(indexed, tmp_path)
    visit(data, judgments, 300, days=0.9)
    with pytest.raises(BadInput, match="one whole day, 2026-10-31"):
        run(RetrainTask(data))
    with pytest.raises(BadInput, match="between 0 and 1"):
        run(replace(RetrainTask(data), held_out=1.0))
