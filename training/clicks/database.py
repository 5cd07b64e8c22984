"""What DuckDB answers, as Python has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

THREADS = 2


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
