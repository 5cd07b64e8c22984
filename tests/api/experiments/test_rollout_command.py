"""`aisle rollout`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.cli import run
from api.experiments.seams import Cell
from api.experiments.sqlite import FILE, SqliteStore
from api.registry import registry_of
from api.settings import AppSettings
from eval.experiments import Guardrails, Ramp
from tests.api.experiments.rolling import tally
from tests.api.ranked import ordering, written

Told = Any


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def rollout(folder: Path, *arguments: str) -> int:
    return run(["rollout", *arguments, "--data", str(folder)])


def told(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Told:
    capsys.readouterr()
    assert rollout(folder, *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_rollout_is_started_moved_stopped_and_its_history_says_why(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    version = registry_of(AppSettings(data=folder)).add(ordering(1.0), {}).version
    made = told(
        folder, capsys, "start", "spring", "--model", version[:6], "--steps", "10, 50%,100",
        "--minutes", "3", "--requests", "70", "--p99", "0", "--revenue", ".9", "--unit", "session",
    )  # fmt: skip
    kept = SqliteStore(folder / FILE).experiments()[0]
    assert made["arms"][1]["system"] == kept.arms[1].system == f"model:{version}"
    assert (kept.share, kept.unit, kept.ramp) == (0.1, "session", Ramp((0.1, 0.5, 1.0), 3, 70))
    assert kept.guardrails == Guardrails(None, 0.8, 0.01, 0.05, 0.9, 200)
    grown = told(folder, capsys, "advance", "spring", "--reason", "the fair begins")
    assert grown["share"] == 0.5
    assert told(folder, capsys, "back", "spring")["share"] == 0.1
    assert rollout(folder, "stop", "spring", "--reason", "returns rose") == 0
    status = told(folder, capsys, "status", "spring")
    assert [(step["what"], step["share"], step["reason"]) for step in status["history"]][1:] == [
        ("share", 0.5, "the fair begins"),
        ("share", 0.1, "by hand"),
        ("stopped", 0.0, "returns rose"),
    ]
    assert status["next"] == "stopped: returns rose"
    assert rollout(folder, "status") == 0
    assert "the fair begins" in capsys.readouterr().out


def test_a_model_file_is_added_to_the_registry_and_rolled_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(folder / "new.json", 1.0)
    made = told(folder, capsys, "start", "spring", "--model", f"ltr:{file}", "--promote")
    registry = registry_of(AppSettings(data=folder))
    [entry] = registry.entries()
    assert made["arms"][1]["system"] == f"model:{entry.version}"
    assert registry.serving() is None
    assert rollout(folder, "stop", "spring") == 0
    assert rollout(folder, "start", "again", "--model", str(file), "--traffic", ".5") == 0
    assert f"aisle rollout status again --data {folder} " in capsys.readouterr().out
    assert len(registry.entries()) == 1


def test_a_rollout_of_some_traffic_leaves_the_rest(folder: Path) -> None:
    for name in ("one", "two"):
        assert rollout(folder, "start", name, "--model", "bm25", "--traffic", ".5") == 0
    slots = [each.slot for each in SqliteStore(folder / FILE).experiments()]
    assert sorted(slots) == [(0.0, 0.5), (0.5, 1.0)]


def test_nobody_advances_what_breaks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rollout(folder, "start", "bad", "--model", "bm25")
    store = SqliteStore(folder / FILE)
    made = store.experiments()[0]
    minute = int(made.created // 60)
    store.add(
        {
            Cell("bad", "candidate", minute): tally(errors=300),
            Cell("bad", "baseline", minute): tally(),
        }
    )
    assert rollout(folder, "advance", "bad") == 2
    assert "requests that failed" in capsys.readouterr().err
    status = told(folder, capsys, "status", "bad")
    assert status["next"].startswith("rolls back: ")
    states = {each["name"]: each["state"] for each in status["guardrails_now"]}
    assert states["errors"] == "breaks"


def test_what_everybody_has_can_be_promoted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_of(AppSettings(data=folder))
    version = registry.add(ordering(1.0), {}).version
    rollout(folder, "start", "all", "--model", version, "--steps", "50,100")
    assert rollout(folder, "promote", "all") == 2
    assert "not yet at 100%" in capsys.readouterr().err
    assert rollout(folder, "advance", "all") == 0
    said = told(folder, capsys, "promote", "all")
    assert said == {"rollout": "all", "model": version}
    assert registry.serving() == version
    assert rollout(folder, "start", "again", "--model", version) == 2
    assert "what serves already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("start", "Upper", "--model", "bm25"), "no name for a rollout"),
        (("start", "a", "--model", "4711"), "nor is it a system: those are ranked, "),
        (("start", "a", "--model", "ltr:nowhere.json"), "nowhere.json"),
        (("start", "a", "--model", "bm25", "--steps", "5,x"), "percents joined by commas"),
        (("start", "a", "--model", "bm25", "--steps", "50,10"), "greater than the one before"),
        (("start", "a", "--model", "bm25", "--baseline", "bm25"), "what serves already"),
        (("start", "a", "--model", "bm25", "--promote"), "cannot be promoted"),
        (("start", "a", "--model", "bm25", "--unit", "cookie"), "session and client"),
        (("status", "nothing"), "no rollout 'nothing'"),
        (("stop", "nothing"), "there are: none"),
        (("back", "first"), "at its first step"),
        (("start", "first", "--model", "dense"), "first already"),
        (("start", "second", "--model", "dense", "--traffic", "2"), "cannot be had"),
        (("start", "second", "--model", "dense"), "0% of the traffic left"),
    ],
)
def test_what_cannot_be_is_bad_input_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    if says not in ("there are: none",):
        rollout(folder, "start", "first", "--model", "bm25")
    store = SqliteStore(folder / FILE)
    before = store.experiments()
    capsys.readouterr()
    assert rollout(folder, *arguments) == 2
    assert says in capsys.readouterr().err
    assert store.experiments() == before


def test_a_stopped_rollout_stays_stopped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rollout(folder, "start", "done", "--model", "bm25")
    rollout(folder, "stop", "done")
    capsys.readouterr()
    for what in ("advance", "back", "stop", "promote"):
        assert rollout(folder, what, "done") == 2
        assert "start another" in capsys.readouterr().err
    assert replace(SqliteStore(folder / FILE).experiments()[0]).status == "stopped"
