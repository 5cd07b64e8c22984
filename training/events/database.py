"""DuckDB as the log uses it: bounded memory; what does not fit goes to disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.errors import BadInput

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def connect(memory: str = "4GB", threads: int | None = None) -> DuckDBPyConnection:
    """An empty database in memory that spills to the system's folder for temporary files."""
    try:
        import duckdb
    except ModuleNotFoundError:
        raise BadInput("this needs DuckDB: pip install 'aisle[train]'") from None

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "threads": threads or len(os.sched_getaffinity(0)),
        "temp_directory": str(Path(tempfile.gettempdir(), f"aisle-events-{os.getpid()}")),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
    }
    try:
        connection = duckdb.connect(":memory:", config=settings)
    except duckdb.Error as error:
        raise BadInput(f"memory={memory!r}: {first_line(error)}", field="memory") from None
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@contextmanager
def reading() -> Iterator[None]:
    """Turns what DuckDB cannot read into `BadInput` with its reason."""
    import duckdb

    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.BinderException) as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise BadInput(f"the log cannot be read: {first_line(error)}") from error


def first_line(error: Exception) -> str:
    """What DuckDB says without the query it says it about."""
    return str(error).strip().split("\n", 1)[0]


def quoted(value: object) -> str:
    """A string literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def listed(values: Iterable[object]) -> str:
    """A list of string literals."""
    return "[" + ", ".join(quoted(value) for value in values) + "]"


def rows(connection: DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """What a query answers."""
    return connection.execute(sql).fetchall()
