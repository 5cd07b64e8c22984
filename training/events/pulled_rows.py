"""Records of Kafka on their way into the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import orjson

from training.events.frames import Kind, parse_frame
from training.events.layout import TABLES, LogLayout
from training.events.spool import load
from training.events.storing import Stored, refusals, store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class PulledRows(ExitStack):
    """Frames, by table in files of a folder; `size` in bytes, `corrupt` of them no sound frames."""

    def __init__(self, layout: LogLayout, folder: Path) -> None:
        super().__init__()
        self._layout, self._folder = layout, folder
        self._counts: Counter[str] = Counter()
        self._sent = 0
        self.records = self.size = self.corrupt = 0
        self._files: dict[str, IO[bytes]] = {
            table: self.enter_context((folder / f"{table}.ndjson").open("wb")) for table in TABLES
        }

    def add(self, name: str, value: bytes) -> None:
        """Takes the value of a record; one that is no sound frame goes to `damaged/`."""
        self.records += 1
        self.size += len(value)
        found = parse_frame(value)
        if found is None:
            self._set_aside(name, value)
            return
        kind, payload = found
        if kind is Kind.counts:
            self._counts.update(orjson.loads(payload))
            return
        self._files[kind.name].write(payload)
        if kind is Kind.events:
            self._sent += payload.count(b"\n")

    def _set_aside(self, name: str, value: bytes) -> None:
        self.corrupt += len(value)
        self._layout.damaged.mkdir(exist_ok=True, mode=0o700)
        (self._layout.damaged / f"{name}.bin").write_bytes(value)

    def store(self, connection: DuckDBPyConnection, offsets: Mapping[str, int]) -> Stored:
        """Makes the rows the log's, together with the offsets; the caller holds its lock.

        Raises:
            StorageFailed: the disk refused; the log is as before.
        """
        names = {table: f"fresh_{table}" for table in TABLES}
        with refusals(self._layout.root):
            for table, name in names.items():
                load(connection, table, self._folder, name)
            loaded = connection.execute("SELECT count(*) FROM fresh_events").fetchone()
        twice = self._sent - int(loaded[0] if loaded else 0)
        counts = {**self._counts, "corrupt_bytes": self.corrupt}
        counts["duplicates"] = counts.get("duplicates", 0) + twice
        stored = store(self._layout, connection, names, counts=counts, offsets=offsets)
        return Stored(stored.rows, stored.duplicates + twice)
