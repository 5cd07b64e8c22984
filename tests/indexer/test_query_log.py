"""The shop's query log and its own lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.query_log import read_query_log
from indexer.understanding import query_log, shop_lists
from query.parts import LoggedQuery
from search.errors import BadInput
from search.settings import Settings, UnderstandingSettings


def test_columns_are_found_by_name_and_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("count,query\n7,red kettle\n,lamp\n3,\n", encoding="utf-8-sig")
    assert read_query_log(path) == (LoggedQuery("red kettle", 7), LoggedQuery("lamp", 1))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text\nkettle\n", "no column query"),
        ("query,count\nkettle,many\n", "line 2: count is 'many'"),
    ],
)
def test_a_log_that_cannot_be_used_says_where(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(BadInput, match=told):
        read_query_log(path)


def test_a_log_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.csv cannot be read"):
        read_query_log(tmp_path / "gone.csv")


def test_the_data_directory_is_where_they_usually_are(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert query_log(settings) is None
    assert shop_lists(settings) is None
    (tmp_path / "lists").mkdir()
    (tmp_path / "query-log.csv").write_text("query\n")
    assert query_log(settings) == tmp_path / "query-log.csv"
    assert shop_lists(settings) == tmp_path / "lists"


def test_lists_that_are_set_must_exist(tmp_path: Path) -> None:
    chosen = UnderstandingSettings(lists=tmp_path / "gone")
    with pytest.raises(BadInput, match="gone is no directory"):
        shop_lists(Settings(data=tmp_path, understanding=chosen))
