"""`aisle judgments`."""

from __future__ import annotations

import csv
from pathlib import Path

import orjson
import pytest

from api.cli import run
from eval import load_judgments

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
