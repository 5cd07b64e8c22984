"""Which files a log is in, and of what form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import BadInput
from training.clicks.database import rows
from training.clicks.session_files import ENDINGS
from training.events.schema import EVENTS, SEARCHES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TABLES = {"searches": SEARCHES, "events": EVENTS}
_NEEDED = {
    "searches": ("search_id", "time", "query", "first", "products"),
    "events": ("action", "time", "product"),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a log by form; `others` are of formats that are imported."""

    sessions: tuple[Path, ...]
    parquet: tuple[Path, ...]
    others: tuple[Path, ...]


def find_sources(paths: Sequence[Path]) -> Sources:
    """What the paths name. A directory is a data directory with `events/` in it, a log with
    `searches/` and `events/` in it, or holds files of sessions.

    Raises:
        BadInput: a path is not there, a directory holds no log, or sessions (which have no times)
            stand beside a log.
    """
    if not paths:
        raise BadInput("name at least one file or directory of events", field="events")
    found = [each for path in paths for each in _expand(path)]
    sessions = tuple(path for path in found if path.name.endswith(ENDINGS))
    parquet = tuple(path for path in found if path.suffix == ".parquet")
    others = tuple(path for path in found if path not in {*sessions, *parquet})
    if sessions and (parquet or others):
        raise BadInput(
            f"{sessions[0]} holds sessions without times, {(parquet or others)[0]} a log; "
            "read them one after the other",
            field="events",
        )
    return Sources(sessions, parquet, others)


def _expand(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInput(f"there is no file or directory {path}", field="events")
    for log in (path / "events", path):
        tables = sorted(log.glob("searches/**/*.parquet")) + sorted(log.glob("events/**/*.parquet"))
        if tables:
            return tables
    files = sorted(p for p in path.iterdir() if p.name.endswith((*ENDINGS, ".parquet")))
    if not files:
        raise BadInput(
            f"{path} holds no log: no searches/ and events/ with Parquet files, no CSV of "
            "sessions; a log that was just written is compacted first (aisle events compact)",
            field="events",
        )
    return files


def open_parquet(connection: DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Makes the views `searches` and `events` over Parquet files; which is which, their columns
    say. Columns that a file lacks are NULL.

    Raises:
        BadInput: a file is damaged, lacks a column that must be there, or there are no searches.
    """
    kinds: dict[str, list[str]] = {"searches": [], "events": []}
    columns: dict[str, set[str]] = {"searches": set(), "events": set()}
    for file in files:
        described = f"DESCRIBE SELECT * FROM read_parquet({_quoted([str(file)])})"
        names = {str(row[0]) for row in rows(connection, described)}
        kind = "searches" if "products" in names else "events"
        missing = [name for name in _NEEDED[kind] if name not in names]
        if missing:
            raise BadInput(
                f"{file}: no column {missing[0]!r}; tables of {kind} have the columns "
                f"{', '.join(_TABLES[kind])}",
                field=missing[0],
            )
        kinds[kind].append(str(file))
        columns[kind] |= names
    if not kinds["searches"]:
        raise BadInput(
            f"{files[0]}: events without the searches they belong to; name the table of searches "
            "as well",
            field="events",
        )
    for kind, named in kinds.items():
        _make_view(connection, kind, named, columns[kind])


def _make_view(
    connection: DuckDBPyConnection, kind: str, files: Sequence[str], known: set[str]
) -> None:
    picked = ", ".join(
        f"{name}::{form} AS {name}" if name in known else f"NULL::{form} AS {name}"
        for name, form in _TABLES[kind].items()
    )
    origin = f"read_parquet({_quoted(files)}, union_by_name = true)" if files else "(SELECT 1)"
    rest = "" if files else " WHERE false"
    connection.execute(f"CREATE TEMP VIEW logged_{kind} AS SELECT {picked} FROM {origin}{rest}")


def _quoted(files: Sequence[str]) -> str:
    return "[" + ", ".join("'" + file.replace("'", "''") + "'" for file in files) + "]"
