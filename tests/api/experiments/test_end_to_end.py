"""A real server, simulated shoppers, one command: the better system is named."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest

from api.cli import run
from api.simulation import Shoppers, read_truth
from api.simulation.server import Load, Street
from tests.api.conftest import served
from tests.api.ranked import written
from training.simulation import click_model

FOLLOWING = {
    "AISLE_EXPERIMENTS__WATCH_SECONDS": "0.1",
    "AISLE_SYSTEMS__UP__MODEL": "up.json",
    "AISLE_SYSTEMS__DOWN__MODEL": "down.json",
}


@pytest.mark.slow
def test_of_a_good_and_a_bad_model_the_good_one_is_named(
    data: Path,
    shop_files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in FOLLOWING.items():
        monkeypatch.setenv(name, value)
    written(data / "up.json", 1.0)
    written(data / "down.json", -1.0)
    create = ["experiment", "create", "models", "--kind", "interleave", "--data", str(data)]
    assert run([*create, "--a", "down", "--b", "up"]) == 0
    shoppers = Shoppers(read_truth(shop_files / "judgments.csv"), 220, seed=1)
    with served(data) as (url, _):
        deadline = time.monotonic() + 20
        while "models" not in httpx.get(f"{url}/readyz").json()["experiments"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        street = Street(url, shoppers, click_model("ultra"), Load())
        met = asyncio.run(street.walk())
    assert met.errors == {}
    # Once it is stopped, sessions that were just seen count as well.
    assert run(["experiment", "stop", "models", "--data", str(data)]) == 0
    capsys.readouterr()
    assert run(["experiment", "report", "models", "--data", str(data), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["searches"] == len(met.latencies)
    assert said["units"] == {"a": 220, "b": 220}
    assert said["decision"]["winner"] == "b", said["decision"]
    assert said["losses"] > 2 * said["wins"]
