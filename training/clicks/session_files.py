"""Search sessions as CSV, one row a product of a page: `sess_id, query, rank, clicked_doc_id,
clicked` (the form of RetroTech, the example data of the book AI-Powered Search).

They have no times: windows and decay do not apply. A product that stands twice on a page was seen
at both places.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import BadInput
from training.clicks.database import one, rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = ("sess_id", "query", "rank", "clicked_doc_id", "clicked")
ENDINGS = (".csv", ".csv.gz")
_MIXED = 0.05
"""The share of sessions that begin at the other rank from which on both are taken to be meant;
below it, rows were lost."""

_READ = """
CREATE TEMP TABLE session_row AS
SELECT filename AS file, sess_id AS session, lower(trim(query)) AS query,
       TRY_CAST(TRY_CAST(rank AS DOUBLE) AS INTEGER) AS rank,
       trim(clicked_doc_id) AS product, TRY_CAST(clicked AS BOOLEAN) AS click
FROM read_csv($files, header = true, all_varchar = true, filename = true, delim = ',',
              quote = '"', escape = '"')
"""
_BAD = """
SELECT file, count(*), any_value(session) FROM session_row
WHERE session IS NULL OR query IS NULL OR rank IS NULL OR rank < 0 OR product IS NULL
   OR product = '' OR click IS NULL
GROUP BY file ORDER BY file
"""
_STARTS = """
SELECT file, min(lowest), avg((lowest <> 0)::INTEGER) FROM (
    SELECT file, session, query, min(rank) AS lowest FROM session_row GROUP BY ALL
) GROUP BY file ORDER BY file
"""
_TABLES = """
CREATE TEMP TABLE search AS
SELECT row_number() OVER (ORDER BY file, session, query)::INTEGER AS s, query,
       NULL::DOUBLE AS time, 1.0 AS weight
FROM (SELECT DISTINCT file, session, query FROM session_row);
CREATE TEMP TABLE session AS
SELECT row_number() OVER (ORDER BY file, session, query)::INTEGER AS s, file, session, query
FROM (SELECT DISTINCT file, session, query FROM session_row);
CREATE TEMP TABLE product AS
SELECT row_number() OVER (ORDER BY id)::INTEGER AS p, id
FROM (SELECT DISTINCT product AS id FROM session_row);
CREATE TEMP TABLE impression AS
SELECT DISTINCT s, p, (rank + 1 - {first})::INTEGER AS position
FROM session_row JOIN session USING (file, session, query)
JOIN product ON product.id = session_row.product;
CREATE TEMP TABLE action AS
SELECT DISTINCT s, p, (rank + 1 - {first})::INTEGER AS position, 'click' AS action,
       NULL::DOUBLE AS time, NULL::DOUBLE AS dwell
FROM session_row JOIN session USING (file, session, query)
JOIN product ON product.id = session_row.product
WHERE click;
DROP TABLE session_row; DROP TABLE session
"""


def load_sessions(connection: DuckDBPyConnection, files: Sequence[Path]) -> str:
    """Fills the tables `search`, `product`, `impression` and `action` (see
    `training.clicks.joining`); says what was taken to be seen.

    Raises:
        BadInput: a file lacks a column, is cut off, or has rows that say nothing; or ranks begin
            at 0 and at 1.
    """
    for file in files:
        _check_header(file)
    connection.execute(_READ, {"files": [str(file) for file in files]})
    bad = rows(connection, _BAD)
    if bad:
        file, count, session = bad[0]
        raise BadInput(
            f"{file}: {count} rows have no session, query, rank, product or clicked that can be "
            f"read (one is of session {session}); ranks are whole numbers from 0, clicked is True "
            "or False",
            field="rank",
        )
    first = _first_rank(connection)
    connection.execute(_TABLES.format(first=first))
    return f"every product of each session's page was taken to be seen; ranks begin at {first}"


def _check_header(file: Path) -> None:
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8", newline="") as lines:
            header = [name.strip().strip("﻿") for name in next(csv.reader(lines), [])]
    except (EOFError, UnicodeDecodeError, csv.Error, gzip.BadGzipFile) as error:
        raise BadInput(f"{file}: not a CSV file that can be read: {error}") from error
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        found = ", ".join(header) or "nothing"
        raise BadInput(
            f"{file}: no column {missing[0]!r}, found {found}; a file of sessions has the columns "
            f"{', '.join(COLUMNS)}",
            field=missing[0],
        )


def _first_rank(connection: DuckDBPyConnection) -> int:
    """The rank of the first product of a page, 0 or 1, the same in all files."""
    if not one(connection, "SELECT count(*) FROM session_row")[0]:
        raise BadInput("the log has no sessions; name files with rows in them")
    files = rows(connection, _STARTS)
    from_0, from_1 = ([f for f, lowest, _ in files if lowest == rank] for rank in (0, 1))
    if from_0 and from_1:
        raise BadInput(
            f"ranks begin at 0 in {from_0[0]} and at 1 in {from_1[0]}; mend one of them, so that "
            "all begin at the same",
            field="rank",
        )
    mixed = next((f for f, lowest, other in files if lowest == 0 and other >= _MIXED), None)
    if mixed is not None:
        raise BadInput(
            f"{mixed}: some sessions begin at rank 0 and others at 1 or below; let all begin at "
            "the same",
            field="rank",
        )
    if not from_0 and not from_1:
        raise BadInput(
            f"{files[0][0]}: the first rank is {files[0][1]}; ranks begin at 0 or 1", field="rank"
        )
    return 0 if from_0 else 1
