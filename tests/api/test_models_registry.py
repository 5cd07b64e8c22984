"""`aisle models list`, `promote`, `compare` and `rollback` over a real index."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from api.cli import run
from rankers import save_model
from tests.api.ranked import ordering, some, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def judged(shop_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Judgments of some queries."""
    path = tmp_path_factory.mktemp("judged") / "judgments.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "product_id", "rating"))
        for query, gains in some(shop_files / "judgments.csv").gains.items():
            writer.writerows((query, product, gain) for product, gain in gains.items())
    return path


class Terminal:
    """The command line in this process, and what it said."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.capfd = capfd
        self.code = 0

    def __call__(self, *arguments: str | Path) -> str:
        self.capfd.readouterr()
        self.code = run(["models", *map(str, arguments)])
        said = self.capfd.readouterr()
        return said.out if self.code in (0, 1) else said.err

    def json(self, *arguments: str | Path) -> Any:
        return orjson.loads(self(*arguments, "--json").splitlines()[-1])


@pytest.fixture
def models(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr("api.commands.console.out", Console(width=200, highlight=False))
    return Terminal(capfd)


def test_from_the_first_model_to_rollback(
    models: Terminal, data: Path, judged: Path, tmp_path: Path
) -> None:
    assert "No models are kept yet" in models("list", "--data", data)
    bad, good = written(tmp_path / "bad.json", -1.0, "bad"), written(tmp_path / "good.json", 1.0)
    refused = models.json("promote", bad, "--data", data, "--judgments", judged)
    assert models.code == 1
    assert not refused["promoted"]
    assert refused["against"] == "hybrid"
    assert not (data / "model.json").exists()
    forced = models.json(
        "promote", refused["version"], "--data", data, "--judgments", judged, "--force", "a test"
    )
    assert models.code == 0
    assert forced["promoted"]
    assert not forced["passed"]
    better = models.json("promote", good, "--data", data, "--judgments", judged)
    assert better["promoted"]
    assert better["against"] == "ranked"
    listed = models.json("list", "--data", data)
    assert listed["serving"] == better["version"]
    assert [each["version"] for each in listed["models"]] == [better["version"], bad_of(refused)]
    assert [each["verdict"]["passed"] for each in listed["models"]] == [True, False]
    assert [each["reason"] for each in listed["history"]] == ["a test", "the gate passed"]
    shown = models("list", "--data", data)
    assert "serves" in shown
    assert "refused" in shown
    assert models.json("rollback", "--data", data)["version"] == bad_of(refused)
    assert "the fused order serves again" in models("rollback", "--data", data)
    assert not (data / "model.json").exists()
    assert "needs evidence" in models("promote", good, "--data", data)
    blind = models("promote", good, "--data", data, "--force", "the shop is down")
    assert models.code == 0
    assert "Nothing was checked: the gate was not asked" in blind
    assert (data / "model.json").exists()
    last = models.json("list", "--data", data)["history"][-1]
    assert last["reason"] == "the shop is down; nothing was checked"


def bad_of(refused: Any) -> str:
    version: str = refused["version"]
    return version


def test_two_models_are_set_side_by_side(
    models: Terminal, data: Path, judged: Path, tmp_path: Path
) -> None:
    bad, good = written(tmp_path / "bad.json", -1.0), written(tmp_path / "good.json", 1.0)
    found = models.json("compare", bad, good, "--data", data, "--judgments", judged)
    assert [each["depth"] for each in found["models"]] == [100, 100]
    versions = [each["version"] for each in found["models"]]
    assert len(set(versions)) == 2
    text = models("compare", versions[0], versions[1], "--data", data)
    assert versions[0] in text
    assert "weights over 1 feature, of the best 100" in text
    assert "fused_share +1.00" in text
    assert "Give --judgments" in text
    scored = models("compare", bad, good, "--data", data, "--judgments", judged)
    assert f"Better with m {versions[1]} than with m {versions[0]}" in scored
    assert str(data) not in scored
    twin = tmp_path / "twin.json"
    save_model(replace(ordering(1.0), name="twin", training={"learner": "naive"}), twin)
    assert "They rank the same" in models("compare", good, twin, "--data", data)
    assert f"version: {versions[1]}" in models("show", versions[1], "--data", data)


def test_what_cannot_be_done_is_said(models: Terminal, data: Path, tmp_path: Path) -> None:
    good = written(tmp_path / "good.json", 1.0)
    assert "give --judgments, --events, or both" in models("promote", good, "--data", data)
    assert models.code == 2
    assert "write 2026-11-21" in models(
        "promote", good, "--data", data, "--events", data, "--since", "yesterday"
    )
    assert models.code == 2
    assert "nothing earlier to go back to" in models("rollback", "--data", data)
    assert models.code == 2
    assert "no data directory" in models("list", "--data", tmp_path / "nowhere")
    assert models.code == 2
    assert not (tmp_path / "nowhere").exists()
    models("compare", "abc", "def", "--data", data)
    assert models.code == 2
