from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from search.errors import BadInput
from tests.training.events.made import ROOT, event, ids, logged, ubi, write_ndjson
from training.events.file_log import FileEventLog
from training.events.tables import open_tables


async def fill(data: Path) -> None:
    log = FileEventLog(data)
    await log.append([event("a"), event("b")])
    log.search(logged("q1"))
    await log.close()


async def test_a_log_exported_as_parquet_is_read_like_the_log(tmp_path: Path) -> None:
    await fill(tmp_path / "data")
    plain = tmp_path / "plain"
    for table in ("searches", "events"):
        (plain / table).mkdir(parents=True)
    with open_tables([tmp_path / "data" / "events"]) as tables:
        for table in ("searches", "events"):
            tables.execute(f"COPY {table} TO '{plain}/{table}/x.parquet' (FORMAT parquet)")
    assert ids(plain) == ["a", "b"]
    with open_tables([plain / "events" / "x.parquet", plain / "searches" / "x.parquet"]) as tables:
        assert tables.execute("SELECT count(*) FROM events").fetchone() == (2,)
        assert tables.execute("SELECT count(*) FROM searches").fetchone() == (1,)


async def test_several_places_are_read_together(tmp_path: Path) -> None:
    await fill(tmp_path / "data")
    file = write_ndjson(tmp_path / "f.ndjson", ubi())
    with open_tables([tmp_path / "data", file, file]) as tables:
        found = tables.execute("SELECT event_id FROM events ORDER BY 1").fetchall()
    assert found == [("a",), ("b",), ("e1",)]


def test_what_cannot_be_opened_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no"):
        open_tables([tmp_path / "nothing"])
    with pytest.raises(BadInput, match="holds no events"):
        open_tables([tmp_path])
    with pytest.raises(BadInput, match="name a data directory"):
        open_tables([])
    broken = tmp_path / "x.parquet"
    broken.write_bytes(b"PAR1 but not really")
    with pytest.raises(BadInput, match="cannot be read"):
        open_tables([broken])


def test_a_parquet_file_of_something_else_names_the_missing_column(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "x.parquet"
    duckdb.execute(f"COPY (SELECT 'a' AS event_id, 1.0 AS time) TO '{path}' (FORMAT parquet)")
    with pytest.raises(BadInput, match="no column 'action'"):
        open_tables([path])


def test_serving_loads_nothing_that_only_learning_needs() -> None:
    code = (
        "import sys, training.events, training.events.file_log\n"
        "heavy = {'duckdb', 'pyarrow', 'pandas', 'lightgbm', 'scipy', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"
