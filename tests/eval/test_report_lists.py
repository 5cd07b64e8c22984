"""The queries that moved most are shown with both lists, in text, JSON and a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from eval import (
    Judgments,
    Report,
    Run,
    by_length,
    draw_report,
    evaluate,
    find_failures,
    format_report,
    pair_lists,
    report_json,
)
from eval.report_lists import grade_mark

GAINS: dict[str, dict[str, float]] = {
    "red shoe": {"p1": 3.0, "p2": 1.0, "p3": 0.0},
    "<b>tv</b>": {"p4": 2.0},
    "tie": {"p1": 1.0},
}
RUNS: dict[str, Run] = {
    "old": {"red shoe": ["p3", "new", "p2", "p1"], "<b>tv</b>": ["p4"], "tie": ["p1"]},
    "new": {"red shoe": ["p1", "p2"], "<b>tv</b>": ["p9", "p4"], "tie": ["p1"]},
}
TITLES = {"p1": "A red shoe & more", "p3": "[bold]A blue hat"}


def report() -> Report:
    judgments = Judgments(GAINS)
    labels = {"length": by_length(list(GAINS))}
    found = evaluate(judgments, RUNS, labels=labels)
    failures = {name: find_failures(judgments, run) for name, run in RUNS.items()}
    return replace(found, moved=pair_lists(found, RUNS, GAINS, TITLES), failures=failures)


def text_of(found: Report, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(format_report(found))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_json_has_both_lists_with_titles_and_gains() -> None:
    first, second = report_json(report())["moved"]
    assert (first["query"], first["a"], first["b"]) == ("<b>tv</b>", "old", "new")
    assert first["value_a"] == 1.0
    assert second["query"] == "red shoe"
    assert second["list_a"][:2] == (
        {"product": "p3", "title": "[bold]A blue hat", "gain": 0.0},
        {"product": "new", "title": "", "gain": None},
    )
    assert [each["product"] for each in second["list_b"]] == ["p1", "p2"]


def test_text_shows_both_lists_side_by_side_with_grades() -> None:
    lines = text_of(report(), 100).splitlines()
    assert all(len(line) <= 100 for line in lines)
    [row] = [line for line in lines if line.lstrip().startswith("1 ") and "blue hat" in line]
    assert "○ [bold]A blue hat" in row
    assert "● A red shoe & more" in row
    assert any("“red shoe”" in line for line in lines)


@pytest.mark.parametrize("width", [40, 100])
def test_text_fits_whatever_systems_are_called(width: int) -> None:
    runs = {f"run:/somewhere/else/{name}.json.gz": run for name, run in RUNS.items()}
    found = evaluate(Judgments(GAINS), runs, labels={"length": by_length(list(GAINS))})
    found = replace(found, moved=pair_lists(found, runs, GAINS))
    assert all(len(line) <= width for line in text_of(found, width).splitlines())


def test_many_systems_are_set_in_several_tables() -> None:
    runs = {f"system {i}": RUNS["new"] for i in range(8)}
    text = text_of(evaluate(Judgments(GAINS), runs), 120)
    assert text.count("Means with 95% intervals") == 2
    assert "system 7" in text


def test_the_picture_is_well_formed_and_says_what_the_text_says() -> None:
    found = report()
    picture = ET.fromstring(draw_report(found))
    text = " ".join(picture.itertext())
    assert "old − new for each of 3 queries: 1 better, 1 worse" in text
    assert "A red shoe & more" in text
    assert "1 word (2)" in text
    assert "Where ndcg@10 is lost" in text
    assert "<b>tv</b>" in text
    alone = evaluate(Judgments(GAINS), {"old": RUNS["old"]})
    assert "old: ndcg@10" in " ".join(ET.fromstring(draw_report(alone)).itertext())


def test_a_mark_tells_the_best_grade_from_lower_none_and_unknown() -> None:
    assert [grade_mark(gain, 3.0) for gain in (3.0, 1.0, 0.0, None)] == ["●", "◐", "○", "·"]
