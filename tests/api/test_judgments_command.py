"""`aisle judgments`."""

from __future__ import annotations

import csv
from pathlib import Path

import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from api.cli import run
from eval import load_judgments
from training.simulation import click_model, make_world
from training.simulation.log import LogPlan, simulate_log

ROWS = "".join(
    f"{session},ipad,{rank},{product},{session % every == 0}\n"
    for session in range(200)
    for rank, (product, every) in enumerate(
        [("a", 2), ("b", 5), ("c", 50)] if session % 3 else [("b", 5), ("c", 60), ("a", 4)]
    )
)


def test_a_log_becomes_a_file_that_eval_reads(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    log, out = tmp_path / "log.csv", tmp_path / "judgments.csv"
    log.write_text("sess_id,query,rank,clicked_doc_id,clicked\n" + ROWS)
    assert run(["judgments", "--events", str(log), "--out", str(out), "--json"]) == 0
    told = orjson.loads(capfdbinary.readouterr().out.splitlines()[-1])
    assert (told["queries"], told["judgments"]) == (1, 3)
    gains = load_judgments(out).gains["ipad"]
    assert max(gains, key=lambda each: gains[each]) == "a"
    assert min(gains, key=lambda each: gains[each]) == "c"
    with out.open() as file:
        shown = {row["product_id"]: row for row in csv.DictReader(file)}
    clicked = sum(line.endswith(",a,True") for line in ROWS.splitlines())
    assert float(shown["a"]["impressions"]) == 200
    assert float(shown["a"]["amount"]) == 2 * clicked  # a click amounts to 2


def test_grades_that_cannot_be_read_are_named(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    arguments = ["--events", str(tmp_path), "--out", str(tmp_path / "out.csv")]
    assert run(["judgments", *arguments, "--grades", "click:2"]) == 2
    assert b"write them as click=2" in capfdbinary.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_impressions_may_lie_in_a_file_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(queries=5, candidates=10, depth=10)
    both = tmp_path / "log"
    simulate_log(both, world, click_model("ultra"), 400, 0, LogPlan(days=1.0))
    [events] = (both / "events").iterdir()
    rows = pq.read_table(events)
    shown = pc.equal(rows["action"], "impression")
    # Only the first half of every page was seen.
    high = pc.and_(shown, pc.less_equal(rows["position"], 5))
    pq.write_table(rows.filter(pc.invert(shown)), events)
    pq.write_table(rows.filter(high), tmp_path / "impressions.parquet")
    told = []
    for seen in ("auto", "page"):
        files = ("--events", str(both), "--events", str(tmp_path / "impressions.parquet"))
        out = str(tmp_path / f"{seen}.csv")
        assert run(["judgments", *files, "--out", out, "--impressions", seen]) == 0
        told.append(capsys.readouterr().err)
    assert "seen: what impression events name" in told[0]
    assert "seen: every product of a page" in told[1]
    assert (tmp_path / "auto.csv").read_text() != (tmp_path / "page.csv").read_text()


@pytest.mark.parametrize("name", ["ltr:nowhere.json", "judgments"])
def test_a_file_that_is_not_there_is_bad_input(
    name: str, indexed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.csv")
    asked = {
        "judgments": ["retrain", "--data", str(indexed), "--judgments", missing],
        "ltr:nowhere.json": ["search", "kettle", "--data", str(indexed), "--system", name],
    }
    assert run(asked[name]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
