"""Live changes that another machine made, applied here: the same records, appended to the same log,
and of them what readers of the snapshot need."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from indexer.artifacts.fetching import Gone
from indexer.artifacts.log import Record, check_record, last_check
from indexer.artifacts.pointer import Pointer, batch_key
from indexer.artifacts.store import Store
from indexer.live import recover
from indexer.live_index import LiveIndex
from indexer.lock import change_lock
from indexer.reading import save_positions
from indexer.storage import replace_file, storage_errors, sync
from search.engines.local.layout import DataLayout
from search.engines.local.live import LiveState, encode_state, read_state
from search.engines.local.manifest import read_manifest
from search.engines.local.positions import positions_from_json
from search.errors import IndexCorrupt, StorageFailed

_AT_ONCE = 64
"""Batches fetched before they are applied."""


class CatchingUp:
    """Follows the live changes of one snapshot at a time; keep it, for what it has opened it need
    not open again."""

    def __init__(self, data: Path, store: Store, transfers: int) -> None:
        self._data, self._store, self._transfers = data, store, transfers
        self._index: LiveIndex | None = None

    def follow(self, pointer: Pointer) -> None:
        """Brings the snapshot's live changes to where the pointer says they are.

        Raises:
            StorageFailed: the store does not answer, or a batch arrived damaged.
            Gone: a batch is not there.
            IndexCorrupt: the changes here are not those that were sent.
        """
        layout = DataLayout(self._data)
        live = layout.live(pointer.version)
        if read_manifest(layout.snapshot(pointer.version).root).engine == "embedded":
            state = self._with_words(pointer, live)
        else:
            state = self._log_alone(pointer, live)
        self._check(pointer, state, live / "changes.log")
        positions = positions_from_json(pointer.positions)
        if positions and state.positions != positions:
            with change_lock(self._data), storage_errors(live):
                save_positions(live, positions)

    def _with_words(self, pointer: Pointer, live: Path) -> LiveState:
        state = self._recover(pointer.version)
        for records in self._missing(pointer, state):
            self._append(live, records)
            state = self._recover(pointer.version)
        return state

    def _log_alone(self, pointer: Pointer, live: Path) -> LiveState:
        """Where the words are on a server, the writer has put them there."""
        state = read_state(live)
        for records in self._missing(pointer, state):
            self._append(live, records, state.offset)
            offset = state.offset + sum(each.end for each in records)
            with change_lock(self._data), storage_errors(live):
                state = LiveState(records[-1].sequence, offset)
                replace_file(live / "state.json", encode_state(state))
        return state

    def _recover(self, version: str) -> LiveState:
        if self._index is None or self._index.version != version:
            self._index = LiveIndex(self._data, version)
        try:
            with change_lock(self._data), storage_errors(self._data / "live"):
                recover(self._index)
        except BaseException:
            self._index = None
            raise
        return self._index.state

    def _missing(self, pointer: Pointer, state: LiveState) -> Iterator[Sequence[Record]]:
        numbers = range(state.sequence + 1, pointer.sequence + 1)
        with ThreadPoolExecutor(self._transfers, "fetch") as pool:
            for start in range(0, len(numbers), _AT_ONCE):
                some = numbers[start : start + _AT_ONCE]
                yield list(pool.map(lambda each: self._batch(pointer.version, each), some))

    def _batch(self, version: str, sequence: int) -> Record:
        key = batch_key(version, sequence)
        stored = self._store.read(key)
        if stored is None:
            raise Gone(f"{self._store.name}/{key} is not there")
        try:
            record = check_record(stored.content, f"{self._store.name}/{key}")
        except IndexCorrupt as error:
            raise StorageFailed(f"{error}; it is fetched again, what is served goes on") from None
        if record.sequence != sequence:
            raise StorageFailed(f"{self._store.name}/{key} holds batch {record.sequence}")
        return record

    def _append(self, live: Path, records: Sequence[Record], start: int | None = None) -> None:
        """At the log's end, or after its first `start` bytes."""
        log = live / "changes.log"
        with change_lock(self._data), storage_errors(live):
            new = not log.exists()
            live.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as file:
                if start is not None:
                    file.truncate(start)  # what an attempt left that died
                file.write(b"".join(each.content for each in records))
                file.flush()
                os.fsync(file.fileno())
            if new:
                sync(live)
                sync(live.parent)

    def _check(self, pointer: Pointer, state: LiveState, log: Path) -> None:
        there = (pointer.sequence, pointer.offset)
        same = (state.sequence, state.offset) == there
        if not same or last_check(log, state.offset) != pointer.check:
            raise IndexCorrupt(
                f"{log.parent} holds other changes than {self._store.name} ({state.sequence} "
                f"batches, there are {pointer.sequence}): stop this server, remove that directory, "
                "and start it again"
            )
