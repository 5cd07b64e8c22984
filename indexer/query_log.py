"""The shop's query log, from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from query.parts import LoggedQuery
from search.errors import BadInput

COLUMNS = ("query", "count", "clicks", "results")


def read_query_log(path: Path | None) -> tuple[LoggedQuery, ...]:
    """Every line of a log with a header that names at least `query`; equal texts are not merged.

    Raises:
        BadInput: the file cannot be read, has no `query` column, or a number that is none.
    """
    if path is None:
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            if "query" not in (reader.fieldnames or ()):
                raise BadInput(
                    f"{path} has no column query; its first line must be a header such as "
                    "query,count,clicks,results",
                    field="understanding.query_log",
                )
            return tuple(
                _line(row, f"{path}, line {reader.line_num}") for row in reader if row["query"]
            )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(
            f"{path} cannot be read as a query log ({error}); it must be CSV in UTF-8",
            field="understanding.query_log",
        ) from error


def _line(row: Mapping[str, str | None], place: str) -> LoggedQuery:
    count = _number(row, "count", place)
    return LoggedQuery(
        text=row["query"] or "",
        count=1 if count is None else count,
        clicks=_number(row, "clicks", place),
        results=_number(row, "results", place),
    )


def _number(row: Mapping[str, str | None], name: str, place: str) -> int | None:
    text = (row.get(name) or "").strip()
    if not text:
        return None
    try:
        return max(0, int(text))
    except ValueError:
        raise BadInput(
            f"{place}: {name} is {text!r}, not a whole number; mend or empty it", field=name
        ) from None
