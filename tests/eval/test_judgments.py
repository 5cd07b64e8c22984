"""Judgments are read by column name; every unusable cell is named with its place and remedy."""

from __future__ import annotations

import contextlib
import csv
import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judgments import Judgments, load_judgments, load_kinds
from search.errors import BadInput


def read(tmp_path: Path, text: str | bytes) -> Judgments:
    path = tmp_path / "judgments.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_judgments(path)


@pytest.mark.parametrize(
    "text",
    [
        "query,product_id,label\nred shoe,p1,E\nred shoe,p2,I\n",
        "User Query,Doc-ID,Rating\nred shoe,p1,1\nred shoe,p2,0\n",
        "product_id\tquery\tesci_label\np1\tred shoe\tExact\np2\tred shoe\tIrrelevant\n",
        "query;product_id;grade\r\n\r\nred shoe;p1;1.0\r\nred shoe;p2;0\r\n",
        "query,product_id,rater_1,rater_2,rating\nred shoe,p1,3,3,1\nred shoe,p2,3,3,0\n",
        "\ufeffquery,product_id,label\n red shoe ,p1,e\nred shoe,p2,i",
        'query,product_id,label,note\n"red shoe",p1,E,"a, b\nc"\nred shoe,p2,I,\n',
    ],
)
def test_columns_are_found_by_name_in_any_usual_dialect(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).gains == {"red shoe": {"p1": 1.0, "p2": 0.0}}


def test_esci_labels_have_the_published_gains(tmp_path: Path) -> None:
    judgments = read(tmp_path, "query,product_id,label\nq,a,E\nq,b,S\nq,c,C\nq,d,I\n")
    assert judgments.gains["q"] == {"a": 1.0, "b": 0.1, "c": 0.01, "d": 0.0}


def test_trec_qrels_are_recognised(tmp_path: Path) -> None:
    judgments = read(tmp_path, "301 0 FR940202 1\n301 0 FR940203 0\n\n302 0 FR940202 2\n")
    assert judgments.gains == {"301": {"FR940202": 1.0, "FR940203": 0.0}, "302": {"FR940202": 2.0}}


def test_gzip_is_read_as_it_is(tmp_path: Path) -> None:
    judgments = read(tmp_path, gzip.compress(b"query,product_id,rating\nq,p,2\n", mtime=0))
    assert judgments.gains == {"q": {"p": 2.0}}


def test_repeated_judgments_count_once_and_raters_who_differ_are_averaged(tmp_path: Path) -> None:
    judgments = read(tmp_path, "query,product_id,rating\nq,a,2\nq,a,2\nq,b,1\nq,b,2\nq,b,3\n")
    assert judgments.gains == {"q": {"a": 2.0, "b": 2.0}}
    assert (judgments.duplicates, judgments.conflicts) == (1, 1)


def test_kinds_are_kept_and_unscorable_queries_are_known(tmp_path: Path) -> None:
    judgments = read(tmp_path, "query,kind,product_id,label\nq,brand,b,E\nq,brand,a,I\nr,,a,I\n")
    assert judgments.kinds == {"q": "brand"}
    assert judgments.relevant_queries() == ("q",)
    assert judgments.candidates() == {"q": ("a", "b")}


def test_kinds_can_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "queries.tsv"
    path.write_text("Kind\tquery\nbrand\tacme\ntype\tred shoe\n")
    assert load_kinds(path) == {"acme": "brand", "red shoe": "type"}
    path.write_text("query\tcount\nacme\t3\n")
    with pytest.raises(BadInput, match="no kind column among query, count"):
        load_kinds(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("query,product_id,label\n", "has a header but no judgments"),
        ("query_id,product_id,label\n1,p,E\n", r"line 1: no query column among .*not a number"),
        ("query,item,label\nq,p,E\n", "line 1: no product column among query, item, label"),
        ("query,product_id,stars\nq,p,3\n", "line 1: no grade column"),
        ("q,p1,E\nq,p2,I\n", "line 1: no query column"),
        ("query,product_id,label\nq,p,E\nq,p2,X\n", "line 3, column 'label': 'X' is no grade"),
        ("query,product_id,rating\nq,p,-1\n", "line 2, column 'rating': -1 cannot be a gain"),
        ("query,product_id,rating\nq,p,nan\n", "line 2, column 'rating': nan cannot"),
        ("query,product_id,rating\nq,p,inf\n", "line 2, column 'rating': inf cannot"),
        ("query,product_id,label\n\nq,,E\n", "line 3, column 'product_id': empty"),
        ("query,product_id,label\n ,p,E\n", "line 2, column 'query': empty"),
        ("query,product_id,label\nred, shoe,p,E\n", "line 2: 4 fields where the header has 3"),
        ("query,product_id,label\nq,p\n", "line 2: 2 fields where the header has 3"),
        ('query,product_id,label\nq,"p"x,E\n', "line 2: not well-formed CSV"),
        ("query,product_id,label\nq,p,E\nq,r,2\n", r"mixes labels and numbers, E .*line 2.* 2 "),
        ("301 0 d 1\n301 0 d\n", "line 2: 3 fields; TREC qrels have four"),
        ("301 0 d -2\n", "line 1, field 4: -2 cannot be a gain"),
        ("x" * 200_000, "line 1: no query column"),
        (b"query,product_id,label\nq,p,E\ncaf\xe9,p,E\n", "line 3: not UTF-8"),
        (gzip.compress(b"query,product_id,label\nq,p,E\n", mtime=0)[:-9], "cannot read "),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, text)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BadInput, match="cannot read "):
            load_judgments(path)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(
    lambda text: text == text.strip() and text
)


@given(
    st.dictionaries(
        cells,
        st.dictionaries(cells, st.floats(0, 1e6), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_a_csv_writer_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, gains: dict[str, dict[str, float]]
) -> None:
    path = tmp_path_factory.mktemp("judgments") / "judgments.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["query", "product_id", "gain"])
        writer.writerows((q, p, g) for q, known in gains.items() for p, g in known.items())
    assert load_judgments(path).gains == gains


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused_with_a_message(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = tmp_path_factory.mktemp("judgments") / "judgments.csv"
    path.write_bytes(b"query,product_id,gain\n" + raw)
    with contextlib.suppress(BadInput):
        judgments = load_judgments(path)
        assert all(gain >= 0 for known in judgments.gains.values() for gain in known.values())


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "judged", "queries", "relevant"),
    [
        ("esci", 4514, 100, 100),
        ("icecat", 2066, 90, 75),
        ("crowdflower", 6013, 155, 155),
        ("homedepot", 48646, 5879, 5879),
    ],
)
def test_the_public_judgments_are_read_whole(
    real_data: Path, name: str, judged: int, queries: int, relevant: int
) -> None:
    judgments = load_judgments(real_data / name / "judgments.csv")
    kept = sum(map(len, judgments.gains.values()))
    assert kept + judgments.duplicates == judged
    assert (len(judgments.gains), len(judgments.relevant_queries())) == (queries, relevant)
