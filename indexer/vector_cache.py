"""What was encoded before, on disk: texts' digests and their vectors, in checksummed chunks.

A chunk file is a header (magic, entries, dimensions), the keys (16 bytes each), the vectors (16-bit
floats) and a CRC-32 of all that. It is written under another name and renamed, so a killed run
leaves only whole chunks. One process uses a cache at a time.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.void]
"""Digests of texts, 16 bytes each, shape (n,)."""
HalfVectors = NDArray[np.float16]
"""Vectors as the cache keeps them, shape (n, dimensions)."""

log = logging.getLogger(__name__)

_KEY = np.dtype("V16")
_HEADER = struct.Struct("<8sII")
_CHECKSUM = struct.Struct("<I")
_MAGIC = b"AISLEVEC"


def keys_of(texts: Iterable[str]) -> Keys:
    """The keys of texts: BLAKE2b-128 of their UTF-8 bytes."""
    digests = (
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for text in texts
    )
    return np.frombuffer(b"".join(digests), _KEY)


class VectorCache:
    """The chunks in one directory. Those found unsound on opening are deleted, with a warning."""

    def __init__(self, directory: Path, dimensions: int) -> None:
        self._directory = directory
        self._dimensions = dimensions
        self._chunks: list[HalfVectors] = []
        for unfinished in directory.glob("*.vectors.part"):
            unfinished.unlink()
        keys = [self._load(path) for path in sorted(directory.glob("*.vectors"))]
        sizes = [len(chunk) for chunk in self._chunks]
        joined = np.concatenate([np.empty(0, _KEY), *keys])
        order = np.argsort(joined)
        self._keys = joined[order]
        self._chunk = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order]
        self._row = np.concatenate([np.arange(size, dtype=np.int32) for size in (0, *sizes)])[order]

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, keys: Keys) -> tuple[NDArray[np.intp], HalfVectors]:
        """Which of `keys` were here when the cache was opened (their positions), and their
        vectors."""
        if len(self) == 0:
            return np.empty(0, np.intp), np.empty((0, self._dimensions), np.float16)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self) - 1)
        known = np.flatnonzero(self._keys[place] == keys)
        chunk, row = self._chunk[place[known]], self._row[place[known]]
        vectors = np.empty((len(known), self._dimensions), np.float16)
        for number in np.unique(chunk):
            here = chunk == number
            vectors[here] = self._chunks[number][row[here]]
        return known, vectors

    def add(self, keys: Keys, vectors: HalfVectors) -> None:
        """Writes one chunk; it is found from the next opening on."""
        content = _HEADER.pack(_MAGIC, len(keys), self._dimensions)
        content += keys.tobytes() + vectors.tobytes()
        path = self._directory / f"{secrets.token_hex(8)}.vectors"
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(content + _CHECKSUM.pack(zlib.crc32(content)))
        part.replace(path)

    def _load(self, path: Path) -> Keys:
        """Maps a chunk's vectors and returns its keys; none when it is not sound."""
        content = path.read_bytes()
        body = memoryview(content)[: -_CHECKSUM.size]
        if len(body) < _HEADER.size or _CHECKSUM.pack(zlib.crc32(body)) != content[len(body) :]:
            log.warning("%s is damaged; its texts will be encoded again", path)
            path.unlink()
            return np.empty(0, _KEY)
        _, count, dimensions = _HEADER.unpack_from(body)
        if dimensions != self._dimensions:
            return np.empty(0, _KEY)
        offset = _HEADER.size + count * _KEY.itemsize
        shape = (count, dimensions)
        self._chunks.append(np.memmap(path, np.float16, mode="r", offset=offset, shape=shape))
        return np.frombuffer(body, _KEY, count, _HEADER.size).copy()
