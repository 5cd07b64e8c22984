"""The shop's files beside its snapshots that a replica reads as well: the model that serves and
those that may be tried, cross-encoders, rules, lists, what shoppers did, who has which key,
pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from search.engines.local.manifest import Part
from search.errors import StorageFailed

NAMES = ("model.json", "rules.toml", "keys.json", "drift.json")
"""Single files in the data directory."""
PRIVATE = ("keys.json",)
"""Those of them that other users of a machine may not read."""
FOLDERS = ("models", "behavior", "lists", "shop/images")
"""Folders of it; hidden files and locks are left out."""
CROSS_ENCODERS = "encoders/*-cross-*/*"
"""Files of what reads the best hits, which the settings name; the snapshot names its encoder."""
LATER = "CURRENT"
"""A file that names others: it is put in place after them."""

Mark = tuple[int, int, int]
Files = Mapping[str, Part]


class FileTable:
    """The files of one data directory with their checksums; reads again only what has changed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: dict[str, tuple[Mark, Part]] = {}

    def read(self) -> Files:
        """The present files by their paths relative to the data directory."""
        found: dict[str, tuple[Mark, Part]] = {}
        for name in _names(self._data):
            try:
                found[name] = self._measure(name)
            except FileNotFoundError:
                continue  # it was removed or replaced meanwhile
        self._known = found
        return {name: part for name, (_, part) in sorted(found.items())}

    def _measure(self, name: str) -> tuple[Mark, Part]:
        path = self._data / name
        mark, known = _mark(path), self._known.get(name)
        if known is not None and known[0] == mark:
            return known
        return mark, measure(path)


def measure(path: Path) -> Part:
    """A file's size and checksum."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return Part(file.tell(), digest.hexdigest())


def part_of(content: bytes) -> Part:
    """The same of what is at hand."""
    return Part(len(content), hashlib.sha256(content).hexdigest())


def _mark(path: Path) -> Mark:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _names(data: Path) -> Iterator[str]:
    yield from (name for name in NAMES if (data / name).is_file())
    for folder in FOLDERS:
        for place, inner, files in os.walk(data / folder):
            inner[:] = [name for name in inner if not name.startswith(".")]
            for name in files:
                if not name.startswith(".") and not name.endswith("lock"):
                    yield Path(place, name).relative_to(data).as_posix()
    for path in data.glob(CROSS_ENCODERS):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(data).as_posix()


def encode_files(files: Files) -> bytes:
    """The table as it is sent."""
    rows = {name: [part.size, part.sha256] for name, part in files.items()}
    return orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)


def decode_files(content: bytes, place: str) -> Files:
    """A table that was fetched.

    Raises:
        StorageFailed: it is none, or names a file that is not the shop's.
    """
    try:
        rows = orjson.loads(content)
        files = {name: Part(*row) for name, row in rows.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise StorageFailed(f"{place} is no table of files ({error})") from None
    for name in files:
        if not _ours(name):
            raise StorageFailed(f"{place} names {name[:100]!r}, which is no file of a shop")
    return files


def _ours(name: str) -> bool:
    """What is written in the data directory must not be anywhere else, nor anything else of it."""
    path = Path(name)
    known = name in NAMES or any(name.startswith(f"{folder}/") for folder in FOLDERS)
    read = len(path.parts) == 3 and path.match(CROSS_ENCODERS)
    return (known or read) and ".." not in path.parts
