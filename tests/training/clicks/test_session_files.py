"""Sessions as CSV: RetroTech's form."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from search.errors import BadInput
from training.clicks import read_counts, read_log

HEADER = "sess_id,query,rank,clicked_doc_id,clicked\n"


def sessions(folder: Path, name: str, rows: str, header: str = HEADER) -> Path:
    path = folder / name
    path.write_text(header + rows)
    return path


def test_the_same_session_number_in_two_files_is_two_sessions(tmp_path: Path) -> None:
    sessions(tmp_path, "a.csv", "1,iPad,0.0,11,False\n1,iPad,1.0,12,True\n")
    sessions(tmp_path, "b.csv", "1,ipad,0.0,11,True\n1,ipad,1.0,12,False\n")
    found = read_counts([tmp_path])
    assert found.query_texts == ("ipad",)
    assert found.products == ("11", "12")
    assert found.positions.tolist() == [1, 2]
    assert found.impressions.tolist() == [2.0, 2.0]
    assert found.clicks.tolist() == [1.0, 1.0]


def test_ranks_may_begin_at_1_and_it_says_so(tmp_path: Path) -> None:
    path = sessions(tmp_path, "a.csv", "1,ipad,1,11,True\n1,ipad,2,12,False\n")
    log = read_log([path])
    assert log.counts.positions.tolist() == [1, 2]
    assert "ranks begin at 1" in log.remarks[0]


def test_ranks_from_0_and_from_1_are_not_mixed(tmp_path: Path) -> None:
    sessions(tmp_path, "a.csv", "1,ipad,0,11,True\n")
    sessions(tmp_path, "b.csv", "1,ipad,1,11,True\n")
    with pytest.raises(BadInput, match=r"begin at 0 in .*a\.csv and at 1 in .*b\.csv"):
        read_counts([tmp_path])


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        ("1,ipad,0,True\n", "sess_id,query,rank,clicked\n", "no column 'clicked_doc_id'"),
        ("1,ipad,zero,11,True\n", HEADER, "1 rows have no session, query, rank"),
        ("1,ipad,-1,11,True\n", HEADER, "whole numbers from 0"),
        ("1,ipad,3,11,True\n", HEADER, "ranks begin at 0 or 1"),
        ("1,ipad,0,11,True\n2,ipad,1,11,True\n", HEADER, "some sessions begin at rank 0"),
        ("1,ipad,0,11,False\n", HEADER, "no clicks"),
        ("", HEADER, "no sessions"),
        ("", "", "no column 'sess_id', found nothing"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, rows: str, header: str, says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        read_counts([sessions(tmp_path, "a.csv", rows, header)])


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + "1,ipad,0,11,True\n" * 5000).encode())
    path = tmp_path / "a.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="cannot be read"):
        read_counts([path])


@pytest.mark.real
@pytest.mark.slow
def test_retrotech_is_counted_to_the_last_click(real_data: Path) -> None:
    folder = real_data / "retrotech" / "sessions"
    shown: Counter[tuple[str, str, int]] = Counter()
    clicked: Counter[tuple[str, str, int]] = Counter()
    for path in sorted(folder.iterdir()):
        with gzip.open(path, "rt") as lines:
            for row in csv.DictReader(lines):
                key = (row["query"], row["clicked_doc_id"], int(float(row["rank"])) + 1)
                shown[key] += 1
                clicked[key] += row["clicked"] == "True"
    found = read_counts([folder])
    texts = [found.query_texts[query] for query in found.queries]
    keys = [
        (texts[document], found.products[document], position)
        for document, position in zip(
            found.documents.tolist(), found.positions.tolist(), strict=True
        )
    ]
    assert dict(zip(keys, found.impressions.tolist(), strict=True)) == dict(shown)
    assert dict(zip(keys, found.clicks.tolist(), strict=True)) == dict(clicked)
