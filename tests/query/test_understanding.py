"""Understanding as a whole: its parts, and what becomes of a query when one of them fails."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from query.parts import FORMAT_FILE
from query.understanding import Understanding
from search.errors import IndexCorrupt
from search.types import Query


def broken(query: Query) -> Query:
    raise ValueError("no such letter")


def loud(query: Query) -> Query:
    return replace(query, corrected=query.corrected.upper())


def test_a_part_that_fails_leaves_the_query_to_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    understanding = Understanding({"broken": broken, "loud": loud})
    query = understanding.understand(Query("kettle", corrected="kettle"))
    assert query.corrected == "KETTLE"
    assert query.rewrites == ("broken failed",)


def test_a_part_that_always_fails_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    understanding = Understanding({"always failing": broken})
    with caplog.at_level(logging.ERROR):
        for _ in range(150):
            understanding.understand(Query("kettle"))
    assert len(caplog.records) == 3


def test_parts_of_another_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / FORMAT_FILE).write_text("0")
    with pytest.raises(IndexCorrupt, match=r"has format 0, this program reads .*index"):
        Understanding.open(tmp_path)


def test_without_parts_words_are_searched_as_typed() -> None:
    query = Understanding.open(None).understand(Query("Red  KETTLE"))
    assert query.terms == ("red", "kettle")
    assert query.filters == ()
