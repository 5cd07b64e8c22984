"""`aisle judge`: pools a real index, tells how far raters are, and exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from api.cli import run
from api.judging.answers import AnswerLogs
from api.judging.making import read_queries
from api.judging.tasks import load_task
from eval import load_judgments
from search.errors import BadInput
from tests.api.judging.worlds import grade, lamps

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture, *arguments: str | Path) -> Any:
    capsys.readouterr()
    assert run([*map(str, arguments), "--json"]) == 0, capsys.readouterr().err
    return orjson.loads(capsys.readouterr().out.splitlines()[-1])


def refused(capsys: Capture, *arguments: str | Path) -> str:
    capsys.readouterr()
    assert run(list(map(str, arguments))) == 2
    return capsys.readouterr().err


def test_a_task_is_pooled_judged_and_exported(data: Path, tmp_path: Path, capsys: Capture) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text("kettle\n\nred lamp\nkettle\n")
    saved = tmp_path / "run.trec"
    saved.write_text("kettle Q0 gone-product 1 9 old\n")
    start = ("judge", "start", "first", "--data", data, "--queries", queries)
    more = ("--systems", "bm25", "--runs", f"old={saved}", "--depth", "4")
    made = told(capsys, *start, *more)
    assert (made["queries"], made["products"]) == (2, 9)
    assert made["systems"] == {
        "bm25": {"pooled": 8, "alone": 8},
        "old": {"pooled": 1, "alone": 1},
    }
    assert made["without_title"] == 1
    task = load_task(data, "first")
    assert all(task.products[each].title for each in task.queries[1].products)

    assert "there is a task 'first' already" in refused(capsys, *start, *more)

    everything = {(q.query, product): 2 for q in task.queries for product in q.products}
    grade(data, task, "Ana", everything)
    grade(data, task, "Bob", {pair: n % 4 for n, pair in enumerate(everything)})
    status = told(capsys, "judge", "status", "first", "--data", data)
    assert [each["done"] for each in status["raters"]] == [True, True]
    assert status["agreement"]["ordinal"]["units"] == 9
    assert status["disagreed"][0]["grades"] == {"Ana": 2, "Bob": 0}
    assert run(["judge", "status", "first", "--data", str(data)]) == 0
    assert "9 of 9 products are graded" in capsys.readouterr().out

    out = tmp_path / "judgments.csv"
    told(capsys, "judge", "export", "first", "--out", out, "--data", data)
    assert sum(len(gains) for gains in load_judgments(out).gains.values()) == 9
    scored = told(capsys, "eval", "--judgments", out, "--data", data, "--systems", "bm25")
    assert scored["queries"] == 2


def test_a_saved_run_is_pooled_without_an_index(tmp_path: Path, capsys: Capture) -> None:
    queries, saved = tmp_path / "queries.csv", tmp_path / "run.trec"
    queries.write_text("query\nlamp\nkettle\n")
    saved.write_text("kettle Q0 b 1 9 old\nkettle Q0 a 2 8 old\nkettle Q0 c 3 7 old\n")
    made = told(
        *(capsys, "judge", "start", "saved", "--data", tmp_path, "--queries", queries),
        *("--systems", f"run:{saved}", "--depth", "2"),
    )
    assert (made["without_results"], made["without_title"]) == (["lamp"], 2)
    assert load_task(tmp_path, "saved").queries[0].products == ("a", "b")


def test_what_cannot_be_started_is_said(data: Path, tmp_path: Path, capsys: Capture) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text("kettle\n")
    start = ("judge", "start", "one", "--data", data)
    assert "either --queries FILE or --from" in refused(capsys, *start)
    from_file = (*start, "--queries", queries)
    assert "random finds nothing" in refused(capsys, *from_file, "--systems", "random")
    assert "the same name" in refused(capsys, *from_file, "--systems", "bm25,bm25")
    assert "cannot name a task" in refused(
        capsys, "judge", "start", "../x", "--data", data, "--queries", queries
    )
    assert refused(capsys, *from_file, "--systems", "nothing-like-it")
    assert "there is no judging task" in refused(capsys, "judge", "status", "x", "--data", data)
    assert not (data / "judging").exists()


def test_every_task_is_listed(tmp_path: Path, capsys: Capture) -> None:
    assert told(capsys, "judge", "status", "--data", tmp_path) == {"tasks": []}
    lamps(tmp_path)
    lamps(tmp_path, name="more")
    listed = told(capsys, "judge", "status", "--data", tmp_path)["tasks"]
    assert {each["task"] for each in listed} == {"lamps", "more"}


def test_a_task_never_replaces_another(tmp_path: Path) -> None:
    task = lamps(tmp_path)
    grade(tmp_path, task, "Ana", {("lamp", "l1"): 3})
    # As when two are started at the same moment, and neither sees the other.
    with pytest.raises(BadInput, match="there is a task 'lamps' already, with its answers in"):
        lamps(tmp_path, {"other": ("x",)})
    assert load_task(tmp_path, "lamps") == task
    assert AnswerLogs(tmp_path, task).read("Ana").given == {("lamp", "l1"): 3}
    assert [each.name for each in (tmp_path / "judging").iterdir()] == ["lamps"]


def test_queries_come_a_line_each_or_in_a_column(tmp_path: Path) -> None:
    path = tmp_path / "queries"
    path.write_text("  floor   lamp\nkettle, red\n\nkettle, red\n")
    assert read_queries(path) == ("floor lamp", "kettle, red")
    path.write_text('count,query\n3,"kettle, red"\n1,lamp\n')
    assert read_queries(path) == ("kettle, red", "lamp")
