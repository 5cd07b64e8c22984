"""Every format gives the same rows; a broken row costs only itself; a broken file says so."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.readers import open_rows
from indexer.rows import BadRow, Row
from search.errors import BadInput

ROWS: list[Row] = [
    {"id": "1", "title": 'Desk 47" wide, oak', "note": "two\nlines"},
    {"id": "2", "title": "Füllhalter №7 🖋", "note": "a, b; c\td"},
    {"id": "3", "title": "plain", "note": "\\ back"},
]


def as_jsonl(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_array(rows: list[Row]) -> bytes:
    return json.dumps(rows, indent=2, ensure_ascii=False).encode()


def as_delimited(delimiter: str) -> Callable[[list[Row]], bytes]:
    def write(rows: list[Row]) -> bytes:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()

    return write


def as_parquet(rows: list[Row]) -> bytes:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


WRITERS: dict[str, Callable[[list[Row]], bytes]] = {
    "jsonl": as_jsonl,
    "ndjson": as_jsonl,
    "json": as_array,
    "csv": as_delimited(","),
    "tsv": as_delimited("\t"),
    "parquet": as_parquet,
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def read(path: Path | str) -> list[tuple[int, Row | BadRow]]:
    with open_rows(path) as rows:
        return list(rows.rows)


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("form", WRITERS)
def test_every_format_gives_the_same_rows(tmp_path: Path, form: str, packing: str) -> None:
    data = PACKERS[packing](WRITERS[form](ROWS))
    path = write(tmp_path, f"shop.{form}{packing}", data)
    assert [row for _, row in read(path)] == ROWS


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("form", WRITERS)
def test_the_format_is_recognised_without_a_telling_name(
    tmp_path: Path, form: str, packing: str
) -> None:
    path = write(tmp_path, "export", PACKERS[packing](WRITERS[form](ROWS)))
    assert [row for _, row in read(path)] == ROWS


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_standard_input_is_read_like_a_file(form: str) -> None:
    script = (
        "from indexer.readers import open_rows\n"
        "with open_rows('-') as rows: print([row for _, row in rows.rows])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=gzip.compress(WRITERS[form](ROWS)),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.stdout.decode().strip() == repr(ROWS)


def test_several_compressed_parts_one_after_the_other_are_all_read(tmp_path: Path) -> None:
    for packing in (".gz", ".zst"):
        parts = [PACKERS[packing](as_jsonl([row])) for row in ROWS]
        path = write(tmp_path, "parts.jsonl" + packing, b"".join(parts))
        assert [row for _, row in read(path)] == ROWS


def test_a_tab_separated_file_named_csv_is_read_by_its_header(tmp_path: Path) -> None:
    path = write(tmp_path, "product.csv", as_delimited("\t")(ROWS))
    assert [row for _, row in read(path)] == ROWS


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    for form in ("csv", "jsonl", "json"):
        path = write(tmp_path, "shop." + form, b"\xef\xbb\xbf" + WRITERS[form](ROWS))
        assert read(path)[0][1] == ROWS[0]
    path = write(tmp_path, "quoted.csv", b'\xef\xbb\xbf"id","title"\r\n1,lamp\r\n')
    assert read(path) == [(2, {"id": "1", "title": "lamp"})]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8),
    delimiter=st.sampled_from(",\t;|"),
)
def test_any_text_survives_a_delimited_file(
    tmp_path: Path, cells: list[tuple[str, str]], delimiter: str
) -> None:
    rows = [{"id": str(i), "a": a, "b": b} for i, (a, b) in enumerate(cells)]
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "a", "b"], delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    path = write(tmp_path, "shop.csv", text.getvalue().encode())
    got = [row for _, row in read(path)]
    assert [r if isinstance(r, BadRow) else {k: normal(v) for k, v in r.items()} for r in got] == [
        {k: normal(v) for k, v in row.items()} for row in rows
    ]


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=300), name=st.sampled_from(["x", "x.jsonl", "x.json", "x.csv", "x.pq"])
)
def test_any_bytes_give_rows_bad_rows_or_bad_input(tmp_path: Path, data: bytes, name: str) -> None:
    with suppress(BadInput):
        read(write(tmp_path, name, data))


def test_a_broken_line_is_one_bad_row_with_its_number(tmp_path: Path) -> None:
    lines = [b'{"id": 1}', b'{"id": 2', b"", b"[3]", b'{"id": "\x92"}', b"NaN", b'{"id": 5}']
    path = write(tmp_path, "shop.jsonl", b"\n".join(lines))
    rows = dict(read(path))
    assert rows.pop(1) == {"id": 1}
    assert rows.pop(7) == {"id": 5}
    bad = {line: row.reason for line, row in rows.items() if isinstance(row, BadRow)}
    assert list(bad) == [2, 4, 5, 6]
    assert "column" in bad[2]
    assert bad[5] == "not UTF-8 text: byte 0x92"


def test_a_line_of_endless_length_is_skipped_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.readers.MAX_ROW_BYTES", 100)
    path = write(tmp_path, "shop.jsonl", b'{"id":"' + b"x" * 950 + b'"}\n{"id":"2"}\n')
    first, second = read(path)
    assert isinstance(first[1], BadRow)
    assert second == (2, {"id": "2"})


@pytest.mark.parametrize(
    "text",
    [
        'id,t\n1,"open\n2,b\n3,c\n',
        'id,t\n1,"open\n2,"b"\n3,c\n',
        "id,t\n1,x,too,many\n2,b\n3,c\n",
        "id,t\n1\n2,b\n3,c\n",
    ],
    ids=[
        "never closed",
        "closed by the next row's quote",
        "too many columns",
        "too few",
    ],
)
def test_a_broken_record_costs_only_itself(tmp_path: Path, text: str) -> None:
    rows = read(write(tmp_path, "shop.csv", text.encode()))
    assert isinstance(rows[0][1], BadRow)
    assert rows[0][0] == 2
    assert rows[1:] == [(3, {"id": "2", "t": "b"}), (4, {"id": "3", "t": "c"})]


def test_a_quote_never_closed_in_a_large_file_costs_one_row(tmp_path: Path) -> None:
    good = "".join(f"{i},title number {i}\n" for i in range(2, 90_000))
    rows = read(write(tmp_path, "shop.csv", f'id,title\n1,"open\n{good}'.encode()))
    assert len(rows) == 89_999
    assert [line for line, row in rows if isinstance(row, BadRow)] == [2]


def test_a_field_may_be_long_and_an_undecodable_one_is_a_bad_row(tmp_path: Path) -> None:
    data = b"id,t\n1," + b"x" * 400_000 + b"\n2,caf\xe9\n3,c\n"
    first, second, third = read(write(tmp_path, "shop.csv", data))
    assert isinstance(first[1], dict)
    assert len(first[1]["t"]) == 400_000
    assert second == (3, read_bad(second))
    assert "0xe9" in read_bad(second).reason
    assert third[0] == 4


def read_bad(row: tuple[int, Row | BadRow]) -> BadRow:
    assert isinstance(row[1], BadRow)
    return row[1]


def test_quotes_escaped_by_a_backslash_are_noticed(tmp_path: Path) -> None:
    data = b'"id","title","note"\n"1","Stand for TVs up to 70\\" or so, black", \n"2","b","c"\n'
    rows = read(write(tmp_path, "shop.csv", data))
    assert rows[0][1] == {"id": "1", "title": 'Stand for TVs up to 70" or so, black', "note": " "}
    assert len(rows) == 2


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_cut_off_file_gives_its_whole_rows_then_says_so(tmp_path: Path, packing: str) -> None:
    rows = [{"id": str(i), "title": os.urandom(16).hex()} for i in range(20_000)]
    data = PACKERS[packing](as_jsonl(rows))
    path = write(tmp_path, "shop.jsonl" + packing, data[: len(data) // 2])
    got: list[Any] = []
    with open_rows(path) as opened, pytest.raises(BadInput, match=r"ends too early.*rows"):
        got.extend(row for _, row in opened.rows)
    assert 5_000 < len(got) < 15_000
    assert got == rows[: len(got)]


def test_a_damaged_compressed_file_says_so(tmp_path: Path) -> None:
    for packing in (".gz", ".zst"):
        data = bytearray(PACKERS[packing](as_jsonl(ROWS * 500)))
        data[len(data) // 2 : len(data) // 2 + 8] = b"\xff" * 8
        with pytest.raises(BadInput, match=r"damaged|too early"):
            read(write(tmp_path, "shop.jsonl" + packing, bytes(data)))


def test_a_broken_array_says_how_far_it_got(tmp_path: Path) -> None:
    path = write(tmp_path, "shop.json", b'[\n{"id": 1},\n{"id": 2},\n{"id": }\n]')
    with pytest.raises(BadInput, match=r"after 2 rows: line 4"):
        read(path)


def test_an_array_followed_by_more_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="after the end of the array"):
        read(write(tmp_path, "shop", b'[{"id": 1}]\n[{"id": 2}]\n'))


def test_a_damaged_parquet_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="damaged Parquet"):
        read(write(tmp_path, "shop.parquet", as_parquet(ROWS)[:-20]))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("shop.xlsx", b"PK\x03\x04rest", "zip archive or a spreadsheet"),
        ("shop.csv", "id,title\n1,a\n".encode("utf-16"), "UTF-16"),
        ("shop.csv", b"id,title,id\n1,a,2\n", "two columns named 'id'"),
        ("shop.parquet", b"id,title\n", "not a Parquet file"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_remedy(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = write(tmp_path, name, data)
    with pytest.raises(BadInput, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_stray_quotes_on_one_line_do_not_cost_the_row(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "shop.csv", b'id,t\n1,"5" pipe" , \n2,6" pipe\n"3" ,c\n'))
    assert [row for _, row in rows] == [
        {"id": "1", "t": '5 pipe" '},
        {"id": "2", "t": '6" pipe'},
        {"id": "3 ", "t": "c"},
    ]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "csv", "json", "parquet", "jsonl.gz", "jsonl.zst"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    base, _, packing = form.partition(".")
    peaks = []
    for size in (4_000, 40_000):
        rows = [
            {
                "id": str(i),
                "title": f"product {i} " + " ".join(str(i * p % 9973) for p in range(7, 30)),
            }
            for i in range(size)
        ]
        data = PACKERS["." + packing if packing else ""](WRITERS[base](rows))
        path = write(tmp_path, f"{size}.{form}", data)
        del rows, data
        tracemalloc.start()
        with open_rows(path) as opened:
            assert sum(1 for _ in opened.rows) == size
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + 1_000_000, peaks  # the larger file has 6 MB of text
