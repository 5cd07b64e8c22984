"""Behavior as of one moment, on disk: `DATA/behavior/<version>/`, which never changes, and
`CURRENT`, which names the version in use and is replaced atomically.

A version holds `ids.npy` (product ids in UTF-8 one after another, uint8) and `offsets.npy` (int64,
shape (products + 1,)), ids ascending; `counts.npy` (float32, shape (len(DAYS), 4, products):
looked-at impressions, clicks, carts, purchases); `queries.json`; and, written last,
`manifest.json` with a BLAKE2b checksum of each of them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from search.errors import IndexCorrupt, StorageFailed

FORMAT = 1
DAYS = (1, 7, 30)
"""How far back the counts go."""
KINDS = ("impressions", "clicks", "carts", "purchases")
FOLDER = "behavior"
_KEPT = 3
"""Versions that stay on disk."""
_PARTS = ("ids.npy", "offsets.npy", "counts.npy", "queries.json")


@dataclass(frozen=True, slots=True)
class BehaviorStore:
    """Counts by product as of a moment (seconds since 1970), ids ascending; `usual` are the rates
    of clicks, carts and purchases of the whole catalogue, float64 of shape (len(DAYS), 3);
    `queries` each normalized query's share of the searches of the longest time."""

    moment: float
    ids: tuple[str, ...]
    counts: NDArray[np.float32]
    usual: NDArray[np.float64]
    queries: Mapping[str, float]
    version: str = ""


def publish(store: BehaviorStore, data: Path) -> str:
    """Writes a version and puts it to use; returns its name. The same behavior is the same version,
    so that doing it again changes nothing.

    Raises:
        StorageFailed: the disk refused; what was in use still is.
    """
    parts = _encode(store)
    checksums = {name: _checksum(content) for name, content in parts.items()}
    when = datetime.fromtimestamp(store.moment, UTC).strftime("%Y%m%dT%H%M%S")
    version = f"{when}-{_checksum(orjson.dumps(checksums, option=orjson.OPT_SORT_KEYS))[:8]}"
    manifest = {
        "format": FORMAT,
        "version": version,
        "moment": store.moment,
        "products": len(store.ids),
        "usual": store.usual.tolist(),
        "checksums": checksums,
    }
    root = data / FOLDER
    try:
        if not (root / version / "manifest.json").exists():
            _write(root, version, parts | {"manifest.json": orjson.dumps(manifest)})
        _replace(root / "CURRENT", version.encode() + b"\n")
        _forget(root, version)
    except OSError as error:
        raise StorageFailed(f"{root} cannot be written: {error.strerror}") from error
    return version


def load_current(data: Path) -> BehaviorStore | None:
    """The version in use; None when there is none.

    Raises:
        IndexCorrupt: it is damaged; names the file.
    """
    root = data / FOLDER
    try:
        version = (root / "CURRENT").read_text().strip()
    except FileNotFoundError:
        return None
    return load(root / version)


def load(folder: Path) -> BehaviorStore:
    """One version, checked.

    Raises:
        IndexCorrupt: it is damaged; names the file.
    """
    try:
        manifest: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
        if manifest["format"] != FORMAT:
            raise _corrupt(folder, f"format {manifest['format']}, not {FORMAT}")
        for name in _PARTS:
            if _checksum((folder / name).read_bytes()) != manifest["checksums"][name]:
                raise _corrupt(folder / name, "its checksum differs")
        text, offsets = (np.load(folder / f"{name}.npy") for name in ("ids", "offsets"))
        content = text.tobytes()
        places = offsets.tolist()
        ids = tuple(content[a:b].decode() for a, b in pairwise(places))
        counts = np.load(folder / "counts.npy")
        queries = orjson.loads((folder / "queries.json").read_bytes())
        usual = np.array(manifest["usual"], np.float64)
        return BehaviorStore(manifest["moment"], ids, counts, usual, queries, folder.name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _corrupt(folder, repr(error)) from error


def _corrupt(place: Path, fault: str) -> IndexCorrupt:
    return IndexCorrupt(f"{place} cannot be used ({fault}): compute behavior again from the log")


def _encode(store: BehaviorStore) -> dict[str, bytes]:
    encoded = [each.encode() for each in store.ids]
    offsets = np.cumsum([0, *(len(each) for each in encoded)], dtype=np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "ids.npy": np.frombuffer(b"".join(encoded), np.uint8),
        "offsets.npy": offsets,
        "counts.npy": np.ascontiguousarray(store.counts, np.float32),
    }
    parts = {name: _saved(values) for name, values in arrays.items()}
    return parts | {"queries.json": orjson.dumps(store.queries, option=orjson.OPT_SORT_KEYS)}


def _saved(values: NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _write(root: Path, version: str, parts: Mapping[str, bytes]) -> None:
    """The folder appears under its name when it is whole."""
    building = root / f".{version}.{os.getpid()}"
    building.mkdir(parents=True)
    try:
        for name, content in parts.items():
            with (building / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        building.replace(root / version)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _forget(root: Path, current: str) -> None:
    versions = sorted(path for path in root.iterdir() if (path / "manifest.json").exists())
    for path in versions[:-_KEPT]:
        if path.name != current:
            shutil.rmtree(path, ignore_errors=True)
