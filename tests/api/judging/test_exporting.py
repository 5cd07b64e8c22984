"""What raters made of a task: agreement, disagreement, and files that `aisle eval` reads."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import orjson
import pytest

from api.judging.exporting import export_csv, export_qrels
from api.judging.results import results, sentence
from eval import load_judgments, load_query_texts
from eval.agreement import krippendorff_alpha
from search.errors import BadInput
from tests.api.judging.worlds import grade, lamps

ANA = {("lamp", "l1"): 3, ("lamp", "l2"): 0, ("lamp", "l3"): 1, ("kettle", "k1"): 2}
BOB = {("lamp", "l1"): 2, ("lamp", "l2"): 3, ("lamp", "l3"): 1}


def test_agreement_is_of_what_two_raters_graded(tmp_path: Path) -> None:
    task = lamps(tmp_path)
    grade(tmp_path, task, "Ana", ANA)
    alone = results(tmp_path, task)
    assert alone.agreement["ordinal"].alpha is None
    assert "no agreement yet: agreement needs two raters" in sentence(alone)
    grade(tmp_path, task, "Bob", BOB)
    found = results(tmp_path, task)
    expected = krippendorff_alpha(np.array([[3, 0, 1, 2], [2, 3, 1, np.nan]]), "ordinal")
    assert found.agreement["ordinal"].alpha == pytest.approx(expected.alpha)
    assert "4 of 5 products are graded, 3 of them by two raters" in sentence(found)
    assert [each.product for each in found.most_disagreed()] == ["l2", "l1"]
    assert found.pairs[0, 3] == found.pairs[2, 3] == found.pairs[1, 1] == 1
    assert found.pairs.sum() == 5  # two disagreements, both ways, and an agreement


def test_intervals_draw_whole_queries_where_there_are_many(tmp_path: Path) -> None:
    pools = {f"query {n}": (f"a{n}", f"b{n}") for n in range(20)}
    task = lamps(tmp_path, pools)
    for rater in ("Ana", "Bob"):
        pairs = [(query, product) for query, pool in pools.items() for product in pool]
        grade(tmp_path, task, rater, {pair: n % 4 for n, pair in enumerate(pairs)})
    found = results(tmp_path, task)
    assert found.drawn == "queries"
    assert (found.agreement["ordinal"].units, found.agreement["ordinal"].groups) == (40, 20)


def test_exported_judgments_are_read_as_such(tmp_path: Path) -> None:
    task = lamps(tmp_path)
    # A rater whose name is that of a column must not be taken for it.
    grade(tmp_path, task, "label", ANA)
    grade(tmp_path, task, "=cmd()", BOB)
    path = tmp_path / "judgments.csv"
    files = export_csv(results(tmp_path, task), path, "mean")
    gains = load_judgments(path).gains
    assert gains == {"lamp": {"l1": 2.5, "l2": 1.5, "l3": 1.0}, "kettle": {"k1": 2.0}}
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rater_label"] for row in rows] == ["3", "0", "1", "2"]
    assert [row["rater_=cmd()"] for row in rows] == ["2", "3", "1", ""]
    told = orjson.loads(files[1].read_bytes())
    assert told["agreement"]["ordinal"]["units"] == 3
    assert {each["rater"] for each in told["raters"]} == {"label", "=cmd()"}


def test_the_median_of_three_raters_ignores_one_that_is_off(tmp_path: Path) -> None:
    task = lamps(tmp_path)
    for rater, given in (("a", 3), ("b", 3), ("c", 0)):
        grade(tmp_path, task, rater, {("lamp", "l1"): given})
    path = tmp_path / "judgments.csv"
    export_csv(results(tmp_path, task), path, "median")
    assert load_judgments(path).gains["lamp"]["l1"] == 3
    export_csv(results(tmp_path, task), path, "mean")
    assert load_judgments(path).gains["lamp"]["l1"] == 2


def test_qrels_are_read_with_the_texts_beside_them(tmp_path: Path) -> None:
    task = lamps(tmp_path, {"floor lamp": ("l1", "l2"), "kettle": ("k1",)})
    grade(tmp_path, task, "Ana", {("floor lamp", "l1"): 3, ("floor lamp", "l2"): 0})
    grade(tmp_path, task, "Bob", {("floor lamp", "l1"): 2})
    path = tmp_path / "judgments.qrels"
    files = export_qrels(results(tmp_path, task), path, "mean")
    assert path.read_text() == "q1 0 l1 3\nq1 0 l2 0\n"
    texts = load_query_texts(files[1])
    assert load_judgments(path, texts).gains == {"floor lamp": {"l1": 3.0, "l2": 0.0}}


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    task = lamps(tmp_path, {"lamp": ("l 1",)})
    with pytest.raises(BadInput, match="nothing of lamps is graded yet"):
        export_csv(results(tmp_path, task), tmp_path / "x.csv", "mean")
    grade(tmp_path, task, "Ana", {("lamp", "l 1"): 1})
    with pytest.raises(BadInput, match="has a space in its id"):
        export_qrels(results(tmp_path, task), tmp_path / "x.qrels", "mean")
    assert not (tmp_path / "x.qrels").exists()
