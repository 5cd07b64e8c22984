"""Sending files that never change, several side by side, and none of them twice."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson

from indexer.artifacts.files import part_of
from indexer.artifacts.store import Listed, Store
from indexer.progress import Progress
from search.engines.local.manifest import Part

_SMALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file to send: where it goes, where it lies, its size and checksum. One that is `alterable`
    may be replaced while it is sent."""

    key: str
    path: Path
    part: Part
    alterable: bool = False


class Journal:
    """What was sent, with the tags that the store gave it: a line of JSON an object, kept in the
    data directory, so that sending goes on after a kill where it was."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._sent = dict(_read(path))

    def holds(self, outgoing: Outgoing, there: Listed | None) -> bool:
        """Whether what lies in the store is what was sent of this content."""
        if there is None or there.size != outgoing.part.size:
            return False
        return self._sent.get(outgoing.key) == (outgoing.part.sha256, there.tag)

    def add(self, outgoing: Outgoing, tag: str) -> None:
        """Notes what was sent."""
        self._sent[outgoing.key] = (outgoing.part.sha256, tag)
        line = orjson.dumps([outgoing.key, outgoing.part.sha256, tag]) + b"\n"
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(line)


def _read(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    lines = path.read_bytes().splitlines() if path.exists() else []
    for line in lines:
        try:
            key, sha256, tag = orjson.loads(line)
        except ValueError:
            continue  # torn by a kill: it is sent again
        yield key, (sha256, tag)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends to a store, `transfers` files at once."""

    store: Store
    journal: Journal
    transfers: int
    progress: Progress

    def send(self, files: Iterable[Outgoing], there: Mapping[str, Listed]) -> int:
        """Sends what is not yet there as it is here; the bytes sent. Large files come first.

        Raises:
            StorageFailed: the store refuses; what was sent so far need not be sent again.
            FileNotFoundError: a file is gone.
        """
        missing = [each for each in files if not self.journal.holds(each, there.get(each.key))]
        missing.sort(key=lambda each: -each.part.size)
        total, done = sum(each.part.size for each in missing), 0
        self.progress("send", 0, total)
        with ThreadPoolExecutor(self.transfers, "send") as pool:
            try:
                for sent in pool.map(self._send, missing):
                    done += sent
                    self.progress("send", done, total)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return total

    def _send(self, outgoing: Outgoing) -> int:
        content: bytes | Path = outgoing.path
        if outgoing.alterable or outgoing.part.size < _SMALL:
            content = outgoing.path.read_bytes()
            if outgoing.alterable and part_of(content) != outgoing.part:
                raise FileNotFoundError(outgoing.path)  # as it was it is no longer there
        self.journal.add(outgoing, self.store.write(outgoing.key, content))
        return outgoing.part.size
