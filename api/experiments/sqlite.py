"""Experiments in one SQLite file beside the index: shared by all processes of a machine.

A connection for each call: they are few, come from any thread, and a file that was put aside is not
written to by accident. Write-ahead logging lets readers go on while somebody writes.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.experiments.creating import placed
from api.experiments.packing import FIELDS, experiment_of, numbers, pack, step_of, tally_of
from api.experiments.seams import Cell, Tally
from eval.experiments import Experiment, Step
from search.errors import StorageFailed

FILE = "experiments.sqlite"
"""Where in the data directory."""
_WAIT_SECONDS = 5.0
_TABLES = f"""
CREATE TABLE IF NOT EXISTS experiments (name TEXT PRIMARY KEY, created REAL, body TEXT);
CREATE TABLE IF NOT EXISTS steps (number INTEGER PRIMARY KEY, experiment TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS tallies (experiment TEXT, arm TEXT, minute INTEGER,
    {", ".join(f"{name} REAL NOT NULL" for name in FIELDS)},
    PRIMARY KEY (experiment, arm, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (experiment TEXT, arm TEXT, minute INTEGER, name TEXT,
    value REAL NOT NULL, PRIMARY KEY (experiment, arm, minute, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, number REAL, text TEXT);
INSERT OR IGNORE INTO state VALUES ('version', 0, ''), ('leader', 0, '');
"""
_ADD = f"""
INSERT INTO tallies VALUES ({", ".join("?" for _ in range(len(FIELDS) + 3))})
ON CONFLICT DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in FIELDS)}
"""
_ADD_SUM = """
INSERT INTO sums VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value
"""
_CHANGED = "UPDATE state SET number = number + 1 WHERE name = 'version'"


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """Experiments in a file, which is made when it is first written; implements
    `ExperimentStore`."""

    path: Path
    clock: Callable[[], float] = time.time

    def version(self) -> int:
        """See `ExperimentStore`."""
        with self._reading() as connection:
            if connection is None:
                return 0
            row = connection.execute("SELECT number FROM state WHERE name = 'version'").fetchone()
            return int(row[0])

    def experiments(self) -> Sequence[Experiment]:
        """See `ExperimentStore`."""
        with self._reading() as connection:
            return () if connection is None else _all(connection)

    def create(self, experiment: Experiment, traffic: float, step: Step) -> Experiment:
        """See `ExperimentStore`."""
        with self._writing() as connection:
            salt = secrets.token_hex(8)
            made = placed(experiment, _all(connection), traffic, salt, self.clock())
            row = (made.name, made.created, pack(made))
            connection.execute("INSERT INTO experiments VALUES (?, ?, ?)", row)
            _note(connection, step)
            connection.execute(_CHANGED)
        return made

    def change(self, experiment: Experiment, step: Step, expected: Experiment) -> bool:
        """See `ExperimentStore`."""
        with self._writing() as connection:
            named = (expected.name,)
            query = "SELECT body FROM experiments WHERE name = ?"
            there = connection.execute(query, named).fetchone()
            if there is None or experiment_of(there[0]) != expected:
                return False
            query = "UPDATE experiments SET body = ? WHERE name = ?"
            connection.execute(query, (pack(experiment), *named))
            _note(connection, step)
            connection.execute(_CHANGED)
        return True

    def note(self, step: Step) -> None:
        """See `ExperimentStore`."""
        with self._writing() as connection:
            _note(connection, step)

    def history(self, name: str | None = None) -> Sequence[Step]:
        """See `ExperimentStore`."""
        with self._reading() as connection:
            if connection is None:
                return ()
            rows = connection.execute(
                "SELECT body FROM steps WHERE ?1 IS NULL OR experiment = ?1 ORDER BY number",
                (name,),
            ).fetchall()
        return tuple(step_of(body) for (body,) in rows)

    def add(self, tallies: Mapping[Cell, Tally]) -> None:
        """See `ExperimentStore`."""
        rows = [
            (cell.experiment, cell.arm, cell.minute, *numbers(tally))
            for cell, tally in tallies.items()
        ]
        sums = [
            (cell.experiment, cell.arm, cell.minute, name, value)
            for cell, tally in tallies.items()
            for name, value in tally.sums.items()
            if value
        ]
        with self._writing() as connection:
            connection.executemany(_ADD, rows)
            connection.executemany(_ADD_SUM, sums)

    def tallies(self, name: str, since: int = 0) -> Mapping[Cell, Tally]:
        """See `ExperimentStore`."""
        with self._reading() as connection:
            if connection is None:
                return {}
            rows = connection.execute(
                "SELECT * FROM tallies WHERE experiment = ? AND minute >= ? ORDER BY arm, minute",
                (name, since),
            ).fetchall()
            sums = _sums(connection, name, since)
        cells = ((Cell(*row[:3]), row[3:]) for row in rows)
        return {cell: tally_of(row, sums.get(cell, {})) for cell, row in cells}

    def lead(self, who: str, seconds: float) -> bool:
        """See `ExperimentStore`."""
        now = self.clock()
        with self._writing() as connection:
            done = connection.execute(
                "UPDATE state SET number = ?, text = ? WHERE name = 'leader' "
                "AND (text = ? OR number <= ?)",
                (now + seconds, who, who, now),
            )
        return bool(done.rowcount)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """None where nothing was ever written."""
        if not self.path.exists():
            yield None
            return
        with self._open() as connection:
            # Whoever creates the first experiment may have made the file and not yet its tables.
            yield connection if _has_tables(connection) else None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        with self._open() as connection:
            if not _has_tables(connection):
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, _WAIT_SECONDS, isolation_level=None)
            with contextlib.closing(connection):
                connection.execute("PRAGMA synchronous = FULL")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise StorageFailed(
                f"experiments cannot be kept in {self.path}: {error}; see that there is room and "
                "that this user may write there"
            ) from error


def _has_tables(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE name = 'state'"
    return connection.execute(query).fetchone() is not None


def _all(connection: sqlite3.Connection) -> tuple[Experiment, ...]:
    rows = connection.execute("SELECT body FROM experiments ORDER BY created DESC, name")
    return tuple(experiment_of(body) for (body,) in rows.fetchall())


def _note(connection: sqlite3.Connection, step: Step) -> None:
    row = (step.experiment, pack(step))
    connection.execute("INSERT INTO steps (experiment, body) VALUES (?, ?)", row)


def _sums(
    connection: sqlite3.Connection, name: str, since: int
) -> Mapping[Cell, Mapping[str, float]]:
    found: dict[Cell, dict[str, float]] = {}
    query = "SELECT * FROM sums WHERE experiment = ? AND minute >= ?"
    for *cell, sum_name, value in connection.execute(query, (name, since)):
        found.setdefault(Cell(*cell), {})[sum_name] = value
    return found
