"""The stored products: one compressed JSON text per ordinal, in one file with an index of places.

`documents/` holds `products.bin` (zstandard frames one after another) and `offsets.npy` (int64,
shape (products + 1,)).
"""

from __future__ import annotations

import itertools
import math
import mmap
import threading
from array import array
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import zstandard
from numpy.typing import NDArray

from search.engines.local.arrays import load
from search.engines.local.layout import stamp
from search.types import Ordinals, Product

_LEVEL = 3
_TUPLES = ("category", "tags")
_BEGINNING = b'{"id":"'


def encode_product(product: Product) -> bytes:
    """A product as JSON; fields that say nothing are left out, and so are numbers that
    JSON cannot hold (NaN, infinite)."""
    fields = {name: getattr(product, name) for name in Product.__slots__}
    fields["attributes"] = {
        name: value
        for name, value in product.attributes.items()
        if not isinstance(value, float) or math.isfinite(value)
    }
    return orjson.dumps(
        {name: value for name, value in fields.items() if value not in (None, "", (), {})}
    )


def decode_product(content: bytes) -> Product:
    """The product that `encode_product` wrote."""
    fields: dict[str, Any] = orjson.loads(content)
    for name in _TUPLES:
        if name in fields:
            fields[name] = tuple(fields[name])
    if "created" in fields:
        fields["created"] = date.fromisoformat(fields["created"])
    attributes = fields.get("attributes")
    if attributes:
        for name, value in attributes.items():
            if isinstance(value, list):
                attributes[name] = tuple(value)
    fields.setdefault("title", "")
    return Product(**fields)


class DocumentsWriter:
    """Writes the stored products of a snapshot, one by one."""

    def __init__(self, directory: Path, version: str) -> None:
        directory.mkdir(parents=True)
        self._directory, self._version = directory, version
        self._file = (directory / "products.bin").open("wb", buffering=1 << 20)
        self._offsets = array("q", [0])
        self._compressor = zstandard.ZstdCompressor(_LEVEL)

    def add(self, product: Product) -> None:
        """Appends the next ordinal's product."""
        frame = self._compressor.compress(encode_product(product))
        self._file.write(frame)
        self._offsets.append(self._offsets[-1] + len(frame))

    def finish(self) -> None:
        """Completes the files."""
        self._file.close()
        np.save(self._directory / "offsets.npy", np.frombuffer(self._offsets, np.int64))
        stamp(self._directory, self._version)

    def abort(self) -> None:
        """Gives the file back after a failed build."""
        self._file.close()


class _Decompressor(threading.local):
    """One a thread: making one costs ten times what it does to a product, and none may be used by
    two threads at once."""

    def __init__(self) -> None:
        self.decompress = zstandard.ZstdDecompressor().decompress


_DECOMPRESSOR = _Decompressor()


class DocumentStore:
    """A snapshot's stored products and those appended by live changes."""

    def __init__(self, directory: Path) -> None:
        self._offsets: NDArray[np.int64] = load(directory / "offsets.npy")
        self._base = len(self._offsets) - 1
        self._content = _map(directory / "products.bin")
        self._later: list[bytes] = []

    def __len__(self) -> int:
        return self._base + len(self._later)

    def append(self, encoded: Iterable[bytes]) -> None:
        """Adds products of new ordinals, each as `encode_product` gave it."""
        self._later.extend(encoded)

    def json(self, ordinal: int) -> bytes:
        """A product's JSON as it was written."""
        if ordinal >= self._base:
            return self._later[ordinal - self._base]
        start, end = self._offsets[ordinal : ordinal + 2].tolist()
        return _DECOMPRESSOR.decompress(self._content[start:end])

    def products(self, ordinals: Ordinals | Sequence[int]) -> list[Product]:
        """The products of ordinals, in the order given."""
        return [decode_product(self.json(ordinal)) for ordinal in np.asarray(ordinals).tolist()]

    def ids(self, start: int, stop: int) -> list[str]:
        """The product ids of the ordinals from `start` to before `stop`."""
        decompressor = zstandard.ZstdDecompressor()
        offsets = self._offsets[start : stop + 1].tolist()
        frames = (
            decompressor.decompress(self._content[a:b]) for a, b in itertools.pairwise(offsets)
        )
        later = self._later[max(start - self._base, 0) : max(stop - self._base, 0)]
        return [_id(content) for content in itertools.chain(frames, later)]


def _id(content: bytes) -> str:
    """The id of a product's JSON, which begins with it, read without the rest."""
    end = content.find(b'"', len(_BEGINNING))
    if content.startswith(_BEGINNING) and b"\\" not in content[:end]:
        return content[len(_BEGINNING) : end].decode()
    found: str = orjson.loads(content)["id"]
    return found


def _map(path: Path) -> mmap.mmap | bytes:
    if path.stat().st_size == 0:
        return b""
    with path.open("rb") as handle:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
