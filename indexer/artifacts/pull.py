"""From the location into a replica's own data directory, which its engine follows as it always
does.

A snapshot is fetched into a folder beside those that are served, verified file by file, and moved
among them when it is whole; `CURRENT` is replaced when its live changes are there as well. Whatever
dies in between, what was being served goes on, and the next pull uses what came.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson

from indexer.artifacts.catching_up import CatchingUp
from indexer.artifacts.fetching import Fetcher, Gone, Incoming
from indexer.artifacts.files import LATER, PRIVATE, Files, FileTable, decode_files, part_of
from indexer.artifacts.local import FOLDER
from indexer.artifacts.pointer import (
    KEY,
    Pointer,
    decode_pointer,
    encoder_key,
    file_key,
    snapshot_key,
)
from indexer.artifacts.status import Status, write_status
from indexer.artifacts.store import Stored, open_store
from indexer.lock import change_lock
from indexer.publish import served_version, tidy
from indexer.storage import remove_tree, replace_file, storage_errors, sync, sync_tree
from search.encoder import MANIFEST
from search.engines.local.layout import DataLayout
from search.engines.local.manifest import Part, read_manifest
from search.errors import AisleError, StorageFailed
from search.settings import Settings

_TOLD_SECONDS = 0.5
"""How often is said how far fetching is."""
_TABLE = "files.json"
"""The table of the files that were fetched last."""


class Puller:
    """Brings `settings.data` up to `settings.artifacts.location`; one process at a time
    (`holding`)."""

    def __init__(
        self,
        settings: Settings,
        *,
        stopped: threading.Event | None = None,
        told: Callable[[Status], None] = lambda status: None,
    ) -> None:
        """Fetches nothing yet. `told` is called with what becomes of it, `stopped` ends it.

        Raises:
            BadInput: the location cannot be used.
            StorageFailed: it is a folder that is not there.
        """
        self._data, self._layout = settings.data, DataLayout(settings.data)
        self._store = open_store(settings.artifacts)
        chosen = settings.artifacts
        self._fetcher = Fetcher(
            self._store,
            chosen.transfers,
            chosen.spare_bytes,
            self._fetching,
            stopped or threading.Event(),
        )
        self._live = CatchingUp(settings.data, self._store, chosen.transfers)
        self._table = FileTable(settings.data)
        self._tell = told
        self._done: Stored | None = None
        self._files = ""
        self._told = 0.0
        self.status = Status(self._store.name, since=time.time())

    def pull(self) -> Pointer | None:
        """Looks for something new and fetches it; what the location holds, None while nothing.

        Raises:
            StorageFailed: the store does not answer, a file arrived damaged, or the disk refused.
            IndexCorrupt: what is here does not go with what is there.
            Gone: it was replaced meanwhile; look again.
            Stopped: told to.
        """
        try:
            stored = self._store.read(KEY, self._done)
            if stored is None:
                self._say(replace(self.status, phase="waiting", fault=""))
                return None
            pointer = decode_pointer(stored.content, self._store.name)
            lag = self.status.lag
            if stored is not self._done:
                self._bring(pointer)
                lag = max(0.0, time.time() - pointer.changed)
        except AisleError as error:
            if not isinstance(error, Gone):
                self._say(replace(self.status, phase="fault", fault=str(error)))
            raise
        self._done = stored
        self._say(
            Status(
                self._store.name,
                "in step",
                pointer.name,
                since=self.status.since,
                in_step=time.time(),
                writer=pointer.writer,
                lag=lag,
            )
        )
        return pointer

    def _bring(self, pointer: Pointer) -> None:
        """Each step leaves a data directory that can be served."""
        self._say(
            replace(
                self.status, phase="working", version=pointer.name, fault="", writer=pointer.writer
            )
        )
        self._fetch_files(pointer)
        if pointer.encoder is not None:
            self._fetch_encoder(pointer.encoder)
        self._fetch_snapshot(pointer.version, pointer.manifest)
        self._live.follow(pointer)
        self._serve(pointer.version)

    def _fetch_snapshot(self, version: str, checksum: str) -> None:
        target = self._layout.snapshot(version).root
        if target.is_dir():
            return
        staging = self._staging(version)
        self._drop_stale(staging)
        manifest = self._read(snapshot_key(version, "manifest.json"), checksum)
        with storage_errors(staging):
            staging.mkdir(parents=True, exist_ok=True)
            replace_file(staging / "manifest.json", manifest)
        parts = read_manifest(staging).parts
        self._fetcher.fetch(
            [
                Incoming(snapshot_key(version, name), _inside(staging, name), part)
                for name, part in parts.items()
            ]
        )
        with storage_errors(target):
            sync_tree(staging)
            target.parent.mkdir(exist_ok=True)
            staging.rename(target)
            sync(target.parent)

    def _fetch_encoder(self, name: str) -> None:
        root = _inside(self._data / "encoders", name)
        if (root / MANIFEST).is_file():
            return
        stored = self._store.read(encoder_key(name, MANIFEST))
        if stored is None:
            return  # an encoder that lies elsewhere
        known = orjson.loads(stored.content)["sha256"]
        there = self._store.list(encoder_key(name).rstrip("/"))
        self._fetcher.fetch(
            [
                Incoming(key, _inside(root, each), Part(there[key].size, sha256))
                for each, sha256 in known.items()
                if (key := encoder_key(name, each)) in there
            ]
        )
        with storage_errors(root):
            replace_file(root / MANIFEST, stored.content)

    def _fetch_files(self, pointer: Pointer) -> None:
        if pointer.files == self._files:
            return
        content = self._read(file_key(pointer.files), pointer.files)
        files, here = decode_files(content, self._store.name), self._table.read()
        new = {name: part for name, part in files.items() if here.get(name) != part}
        folder = self._staging("files")
        incoming = {
            part.sha256: Incoming(file_key(part.sha256), folder / part.sha256, part)
            for part in new.values()
        }
        self._fetcher.fetch(list(incoming.values()))
        with storage_errors(self._data):
            for name in sorted(new, key=lambda name: Path(name).name == LATER):
                target = _inside(self._data, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                content_of = (folder / new[name].sha256).read_bytes()
                replace_file(target, content_of, 0o600 if name in PRIVATE else 0o666)
            self._forget_files(files)
            remove_tree(folder)
            replace_file(self._data / FOLDER / _TABLE, content)
        self._files = pointer.files

    def _forget_files(self, files: Files) -> None:
        """Removes what was fetched earlier and is no longer there; nothing that is this machine's
        own."""
        try:
            before = decode_files((self._data / FOLDER / _TABLE).read_bytes(), _TABLE)
        except FileNotFoundError:
            return
        for name in before.keys() - files.keys():
            (self._data / name).unlink(missing_ok=True)

    def _serve(self, version: str) -> None:
        previous = served_version(self._data)
        if previous == version:
            return
        with change_lock(self._data), storage_errors(self._data):
            replace_file(self._layout.current, version.encode())
        tidy(self._data, {version} if previous is None else {version, previous})

    def _staging(self, name: str) -> Path:
        root = self._data / FOLDER / "incoming"
        with storage_errors(root):
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return root / name

    def _drop_stale(self, wanted: Path) -> None:
        """What came of a snapshot that is no longer wanted."""
        for entry in wanted.parent.iterdir() if wanted.parent.is_dir() else ():
            if entry != wanted:
                remove_tree(entry)

    def _read(self, key: str, sha256: str) -> bytes:
        stored = self._store.read(key)
        if stored is None:
            raise Gone(f"{self._store.name}/{key} is not there")
        if part_of(stored.content).sha256 != sha256:
            raise StorageFailed(
                f"{self._store.name}/{key} arrived damaged; it is fetched again, and what is "
                "served goes on"
            )
        return stored.content

    def _fetching(self, file: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._told > _TOLD_SECONDS or done == total:
            self._told = now
            self._say(replace(self.status, phase="working", file=file, done=done, total=total))

    def _say(self, status: Status) -> None:
        self.status = status
        with contextlib.suppress(OSError):
            write_status(self._data, status)
        self._tell(status)


def _inside(root: Path, name: str) -> Path:
    """A path below a root.

    Raises:
        StorageFailed: it would lie elsewhere.
    """
    path = root / name
    if ".." in path.parts or not path.is_relative_to(root):
        raise StorageFailed(f"{name[:100]!r} is no name of a file that is to be fetched")
    return path
