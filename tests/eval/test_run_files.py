"""Runs of other programs are read in the order that trec_eval would give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.run_files import RankingFile, load_ranking_file
from search.errors import BadInput

EXPECTED = {"q1": ("b", "a"), "q2": ("c",)}


def read(tmp_path: Path, text: str, queries: dict[str, str] | None = None) -> RankingFile:
    path = tmp_path / "run"
    path.write_text(text)
    return load_ranking_file(path, queries)


@pytest.mark.parametrize(
    "text",
    [
        "q1 Q0 a 1 0.5 mine\nq1 Q0 b 2 0.9 mine\n\nq2 Q0 c 1 -3e2 mine\n",
        "q1\tQ0\ta\t1\t0.5\tmine\nq1\tQ0\tb\t2\t0.9\tmine\nq2\tQ0\tc\t1\t7\tmine\n",
        "query,product_id,score\nq1,a,0.5\nq1,b,0.9\nq2,c,1\n",
        "Snapshot Name,Snapshot Time,Case ID,Query Text,Doc ID,Doc Position\n"
        "s,now,1,q1,a,2\ns,now,1,q1,b,1\ns,now,1,q2,c,1\n",
        "query,docid\nq1,b\nq1,a\nq2,c\n",
        '{"q1": {"a": 0.5, "b": 0.9}, "q2": {"c": 1}}',
        '{"q1": ["b", "a"], "q2": ["c"]}',
        '{"query": "q1", "products": ["b", "a"]}\n{"query": "q2", "products": ["c"]}\n',
    ],
)
def test_runs_are_read_in_any_usual_form(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text)
    assert (found.run, found.products, found.tied) == (EXPECTED, 3, 0)


def test_ties_are_broken_by_id_and_counted(tmp_path: Path) -> None:
    found = read(tmp_path, "q Q0 b 1 1 x\nq Q0 a 2 1 x\nq Q0 c 3 0 x\nr Q0 a 1 1 x\n")
    assert found.run == {"q": ("a", "b", "c"), "r": ("a",)}
    assert found.tied == 2


def test_queries_named_by_id_get_their_texts(tmp_path: Path) -> None:
    found = read(tmp_path, "1 Q0 a 1 1 x\n9 Q0 a 1 1 x\n", {"1": "red shoe"})
    assert found.run == {"red shoe": ("a",), "9": ("a",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q Q0 a 1 1 x\nq Q0 a 2 0 x\n", "line 2: product 'a' is there twice for the query 'q'"),
        ("q Q0 a 1 nan x\n", "line 1, field 5: a score of NaN"),
        ("q Q0 a 1 high x\n", "line 1, field 5: 'high' is no score"),
        ("q Q0 a 1 1 x\nq Q0 b 2\n", "line 2: 4 fields; TREC runs have six"),
        ("query,product_id,score\nq,a,NaN\n", "line 2: a score of NaN"),
        ("query,item\nq,a\n", "no product column among query, item"),
        ("{}", "ranks nothing"),
        ("[1]", "JSON runs are objects"),
        ('{"q": 3}', "neither a list of product ids"),
        ('{"q": {"a": null}}', "None is no score"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)
