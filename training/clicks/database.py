"""DuckDB as used here: few threads, bounded memory, what does not fit goes to disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

THREADS = 2


@contextmanager
def database(memory_gb: float = 3.0) -> Iterator[DuckDBPyConnection]:
    """An empty database that is gone afterwards. What DuckDB cannot read is the caller's input.

    Raises:
        BadInput: a file is damaged or is not what it says; with DuckDB's reason.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="aisle-clicks-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_gb:g}GB",
            "threads": THREADS,
            "temp_directory": str(Path(spill, "spill")),
            "preserve_insertion_order": False,
        }
        with duckdb.connect(str(Path(spill, "log.duckdb")), config=settings) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            try:
                yield connection
            except (duckdb.IOException, duckdb.InvalidInputException) as error:
                raise BadInput(f"the log cannot be read: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


def rows(
    connection: DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> list[tuple[Any, ...]]:
    """What a query answers."""
    return connection.execute(sql, dict(parameters or {})).fetchall()


def one(
    connection: DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> tuple[Any, ...]:
    """The one row that a query answers."""
    return rows(connection, sql, parameters)[0]


def arrays(
    connection: DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> dict[str, NDArray[Any]]:
    """What a query answers as one array a column; no column may hold NULL."""
    found = connection.execute(sql, dict(parameters or {})).fetchnumpy()
    return {name: np.asarray(column) for name, column in found.items()}
