"""What of a data directory is sent, as it is at one moment."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from indexer.artifacts.files import Files, FileTable, measure
from indexer.artifacts.log import last_check
from indexer.artifacts.pointer import Pointer, encoder_key, snapshot_key
from indexer.artifacts.sending import Outgoing
from indexer.storage import storage_errors
from search.encoder import MANIFEST
from search.engines.local.layout import DataLayout, read_current
from search.engines.local.live import LiveState, read_state
from search.engines.local.manifest import read_manifest
from search.errors import IndexCorrupt, StorageFailed

FOLDER = "artifacts"
"""In the data directory: the lock of those who send, and what was sent."""
_REMEDY = (
    "it was written by another machine: fetch it first (`aisle artifacts pull`), or name another "
    "location"
)


@dataclass(frozen=True, slots=True)
class Local:
    """A snapshot and its manifest's SHA-256, its live changes (`check` is the checksum of the last
    one's record), the name of its encoder, and the shop's files."""

    data: Path
    version: str
    manifest: str
    live: LiveState
    check: str
    encoder: str | None
    files: Files

    @property
    def log(self) -> Path:
        """The log of live changes."""
        return DataLayout(self.data).live(self.version) / "changes.log"

    def snapshot(self) -> tuple[list[Outgoing], Outgoing]:
        """The snapshot's files, and its manifest, which names them all."""
        layout = DataLayout(self.data).snapshot(self.version)
        parts = [
            Outgoing(snapshot_key(self.version, name), layout.root / name, part)
            for name, part in read_manifest(layout.root).parts.items()
        ]
        return parts, _outgoing(snapshot_key(self.version, "manifest.json"), layout.manifest)

    def encoder_files(self) -> tuple[list[Outgoing], Outgoing] | None:
        """The encoder's files, and its manifest; None without an encoder."""
        if self.encoder is None:
            return None
        root = self.data / "encoders" / self.encoder
        if not (root / MANIFEST).is_file():
            return None
        names = orjson.loads((root / MANIFEST).read_bytes())["sha256"]
        parts = [_outgoing(encoder_key(self.encoder, name), root / name) for name in names]
        return parts, _outgoing(encoder_key(self.encoder, MANIFEST), root / MANIFEST)

    def check_sent_before(self, before: Pointer, place: str) -> None:
        """What a location holds must have been sent from here, or be older.

        Raises:
            StorageFailed: it is another machine's; says what to do.
        """
        if before.version != self.version:
            known = DataLayout(self.data).snapshot(before.version).root.is_dir()
            if before.version > self.version and not known:
                raise StorageFailed(f"{place} holds {before.name}, newer than here; {_REMEDY}")
        elif not self._goes_on_from(before):
            raise StorageFailed(
                f"{place} holds other changes in {before.name} than this data directory, which has "
                f"{self.live.sequence} batches of them; {_REMEDY}"
            )

    def _goes_on_from(self, before: Pointer) -> bool:
        if before.offset > self.live.offset or before.sequence > self.live.sequence:
            return False
        try:
            return last_check(self.log, before.offset) == before.check
        except IndexCorrupt:
            return False


def _outgoing(key: str, path: Path) -> Outgoing:
    return Outgoing(key, path, measure(path))


def read_local(data: Path, table: FileTable) -> Local:
    """The present state.

    Raises:
        IndexMissing, IndexCorrupt: there is no (sound) index.
        FileNotFoundError: its snapshot was removed meanwhile.
    """
    layout, version = DataLayout(data), read_current(data)
    live = read_state(layout.live(version))
    check = last_check(layout.live(version) / "changes.log", live.offset)
    snapshot = layout.snapshot(version)
    encoder = read_manifest(snapshot.root).encoder
    manifest = measure(snapshot.manifest).sha256
    return Local(data, version, manifest, live, check, encoder, table.read())


def local_mark(data: Path, table: FileTable) -> object:
    """Tells one state from another, at the cost of a few questions to the disk.

    Raises:
        IndexMissing, IndexCorrupt: there is no (sound) index.
    """
    version = read_current(data)
    with suppress(FileNotFoundError):
        state = (DataLayout(data).live(version) / "state.json").stat()
        return version, state.st_mtime_ns, state.st_ino, table.read()
    return version, 0, 0, table.read()


@contextmanager
def push_lock(data: Path) -> Iterator[None]:
    """Waits for whoever else sends from this data directory.

    Raises:
        StorageFailed: the data directory cannot be written.
    """
    with storage_errors(data):
        (data / FOLDER).mkdir(parents=True, exist_ok=True)
        handle = os.open(data / FOLDER / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
