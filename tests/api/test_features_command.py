"""`aisle features`: the list, and the values for a query."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import run
from rankers.features import NAMES, VERSION


def test_the_list_names_every_feature_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "--json"]) == 0
    body = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [each["name"] for each in body["features"]] == list(NAMES)
    assert body["version"] == VERSION


def test_the_list_for_people_says_what_each_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features"]) == 0
    shown = capsys.readouterr().out
    assert "title_bm25" in shown
    assert VERSION in shown


def test_a_query_shows_what_its_best_candidates_have(
    indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["features", "kettle", "--data", str(indexed), "--top", "3"]
    assert run([*command, "--json"]) == 0
    body = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(body["candidates"]) == 3
    best = body["candidates"][0]["features"]
    assert list(best) == list(NAMES)
    assert best["title_coverage"] == 1
    assert best["fused_rank"] == 1
    assert best["clicked_before"] is None
    assert run(command) == 0
    assert "more features are unknown" in capsys.readouterr().out


def test_an_empty_query_is_refused_in_so_many_words(
    indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["features", " ", "--data", str(indexed)]) == 2
    assert "the query is empty" in " ".join(capsys.readouterr().err.split())
