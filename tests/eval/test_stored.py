"""A stored run comes back as it was, is found by name, and says what is wrong with it."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from eval import StoredRun, list_runs, load_run, save_run
from search.errors import AisleError, BadInput, NotFound

RUN = StoredRun(
    name="main/hybrid",
    system="hybrid",
    rankings={"red shoe": ("p1", "p2"), "größe": ()},
    gains={"red shoe": {"p1": 1.0, "p9": 0.1}, "größe": {"p3": 0.0}},
    queries=("red shoe",),
    values={"ndcg@10": (0.5,)},
    created=10.0,
    inputs={"judgments": "abc"},
    slices={"kind": {"red shoe": "brand"}},
    places={"red shoe": {"p1": 3}},
)


@pytest.mark.parametrize("name", ["one", "one.json", "one.json.gz", "sub/one"])
def test_a_run_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    path = save_run(RUN, tmp_path / name)
    assert load_run(path) == RUN
    assert load_run(name, tmp_path) == RUN
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_same_run_is_the_same_file_and_replaces_the_earlier(tmp_path: Path) -> None:
    first = save_run(RUN, tmp_path / "one").read_bytes()
    assert save_run(RUN, tmp_path / "one").read_bytes() == first
    save_run(replace(RUN, seed=3), tmp_path / "one")
    assert load_run("one", tmp_path).seed == 3


def test_a_directory_stands_for_its_only_run(tmp_path: Path) -> None:
    save_run(RUN, tmp_path / "main" / "hybrid")
    assert load_run("main", tmp_path) == RUN
    save_run(RUN, tmp_path / "main" / "bm25")
    with pytest.raises(NotFound, match=r"holds 2 runs; name one: .*main/bm25, .*main/hybrid"):
        load_run("main", tmp_path)


def test_a_run_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="none yet; aisle eval --save"):
        load_run("gone", tmp_path / "nowhere")
    save_run(RUN, tmp_path / "main" / "hybrid")
    with pytest.raises(NotFound, match="there are main/hybrid"):
        load_run("gone", tmp_path)


def test_runs_are_listed_the_newest_first_and_damaged_files_last(tmp_path: Path) -> None:
    save_run(RUN, tmp_path / "old")
    save_run(replace(RUN, created=20.0), tmp_path / "new.json")
    (tmp_path / "bad.json.gz").write_bytes(b"\x1f\x8b\x08broken")
    listed = list_runs(tmp_path)
    assert [each.path.name for each in listed] == ["new.json", "old.json.gz", "bad.json.gz"]
    assert listed[2].run is None
    assert "bad.json.gz" in listed[2].fault
    assert list_runs(tmp_path / "nowhere") == ()


def _without(field: str) -> bytes:
    values = orjson.loads(gzip.decompress(_saved()))
    del values[field]
    return orjson.dumps(values)


def _saved() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        return save_run(RUN, Path(directory) / "one").read_bytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_saved()[:-20], "cannot read the run .*make it again"),
        (gzip.decompress(_saved())[:-20], "is damaged or no run"),
        (b"[1]", "holds no JSON object"),
        (b"{}", "has no format number"),
        (b'{"format": 99}', "format 99, this Aisle reads up to 1; update Aisle"),
        (_without("rankings"), "is damaged at rankings: Field required"),
        (b'{"format":1,"name":"a","system":"b","rankings":{"q":[1]},"gains":{}}', "rankings.q.0"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "one.json").write_bytes(data)
    with pytest.raises(BadInput, match=message):
        load_run("one", tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AisleError, match=r"cannot write .*file/one"):
        save_run(RUN, tmp_path / "file" / "one")
