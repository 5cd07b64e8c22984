"""Records of files, one by one: which format each is, what it says, or why it is refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from search.types import Event, LoggedSearch
from training.events import dialects
from training.events.files import read_lines
from training.events.findings import Finding
from training.events.ordinals import Source
from training.events.rows import event_row, lines, search_row
from training.events.rules import Rules
from training.events.seams import Refused
from training.events.ubi import content_id, parse_event, parse_search
from training.events.values import Fault, size

Progress = Callable[[str, int, int | None], None]

SHOWN = 20
"""Refused records that are told one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read.

    `ordinals_from` says what the first position is called, 0 or 1; None finds out for each source
    (file and application). `actions` are names of actions that mean another.
    """

    ordinals_from: int | None = None
    actions: Mapping[str, str] = field(default_factory=lambda: dialects.ALIASES)
    rules: Rules = field(default_factory=lambda: Rules(event_bytes=1_000_000).for_import())


@dataclass(slots=True)
class Imported:
    """What files held: records by kind, `refused` by field, the first of these with file and line
    (`Refused.index` is the line, from 1), what was not UBI 1.3 by source, what was found of each
    source's positions, and what is wrong with the whole."""

    searches: int = 0
    events: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, Refused]] = field(default_factory=list)
    dialects: dict[str, Counter[str]] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class Spool(ExitStack):
    """Records on their way from files to rows."""

    def __init__(self, folder: Path, reading: Reading, imported: Imported) -> None:
        super().__init__()
        self._reading = reading
        self._imported = imported
        self._now = time.time()
        self._files: dict[str, IO[bytes]] = {
            table: self.enter_context((folder / f"{table}.ndjson").open("wb"))
            for table in ("searches", "events")
        }

    def read(self, path: Path, progress: Progress | None) -> None:
        """Reads one file to its end."""
        action: dict[str, Any] | None = None
        for number, value in read_lines(path):
            if progress and number % 10_000 == 0:
                progress(f"reading {path.name}", number, None)
            found = dialects.bulk_action(value)
            if found is not None:
                action = found
                self._imported.skipped["lines of _bulk actions"] += 1
                continue
            try:
                self._take(path, value, action)
            except Fault as fault:
                self._refuse(path, number, fault)
            action = None

    def _refuse(self, path: Path, number: int, fault: Fault) -> None:
        self._imported.refused[fault.field or "record"] += 1
        if len(self._imported.examples) < SHOWN:
            refused = Refused(number, fault.field, fault.reason)
            self._imported.examples.append((path.name, refused))

    def _take(self, path: Path, value: object, action: Mapping[str, Any] | None) -> None:
        if isinstance(value, Fault):
            raise value
        record: Any = value
        if size(record) > self._reading.rules.event_bytes:
            raise Fault("", f"is longer than {self._reading.rules.event_bytes} bytes")
        notes: dialects.Notes = set()
        parsed = self._parse(record, notes, action)
        if parsed is None:
            return
        if parsed.time - self._now > self._reading.rules.future_seconds:
            raise Fault("timestamp", "is in the future; set the sender's clock")
        self._write(path, parsed, notes)

    def _parse(
        self, record: Any, notes: dialects.Notes, action: Mapping[str, Any] | None
    ) -> Event | LoggedSearch | None:
        reading = self._reading
        if dialects.is_metarank(record):
            return self._parse_metarank(record, notes)
        if dialects.is_event(record):
            modern = dialects.modern_event(record, notes, reading.actions)
            event = parse_event(modern, positioned=False)
            if record.get("event_id"):
                return event
            # A document's id is unique in its index alone; its content beside it tells files apart.
            return replace(event, id=content_id({**record, "_bulk": action} if action else record))
        if dialects.is_query(record):
            return parse_search(dialects.modern_query(record, notes))
        raise Fault("", "is neither a UBI event (action_name), nor a query (user_query), nor a "
                    "Metarank event (event)")  # fmt: skip

    def _parse_metarank(self, record: Any, notes: dialects.Notes) -> Event | LoggedSearch | None:
        reading = self._reading
        if record["event"] == "ranking":
            return parse_search(dialects.metarank_query(record, notes))
        if record["event"] == "interaction":
            modern = dialects.metarank_event(record, notes, reading.actions)
            return parse_event(modern, positioned=False)
        self._imported.skipped[f"Metarank {record['event']} events"] += 1
        return None

    def _write(self, path: Path, parsed: Event | LoggedSearch, notes: dialects.Notes) -> None:
        source = f"{path.name}: {parsed.application}" if parsed.application else path.name
        seen = self._imported.dialects.setdefault(source, Counter())
        seen.update(notes or {"UBI 1.3"})
        table = "events" if isinstance(parsed, Event) else "searches"
        row = event_row(parsed) if isinstance(parsed, Event) else search_row(parsed)
        self._files[table].write(lines([{**row, "source": source}]))
        if table == "events":
            self._imported.events += 1
        else:
            self._imported.searches += 1
