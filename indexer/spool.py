"""The catalogue on disk in the index's own form, so that memory stays flat in its size.

One pass over the source fills the spool; everything after reads the spool. Of every row memory
holds 24 bytes: where it starts, and 128 bits of its id's hash.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import orjson
from numpy.typing import NDArray

from indexer.catalogue import Location
from indexer.storage import sync
from search.engines.local.documents import decode_product, encode_product
from search.types import Product

_BUFFER = 1 << 20
_KEPT = ("starts", "kept")
"""What `keep` writes: where each row starts, and which stay."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row at `place` that a later row with the same id, at `kept`, replaced."""

    id: str
    place: Location
    kept: Location


class Spool:
    """Rows appended in order, then read back without those that a later row replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b", _BUFFER)
        self._starts = array("Q", [0])
        self._hashes = array("Q")
        self._kept: NDArray[np.int64] | None = None

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """One that was finished and kept, in an earlier process perhaps.

        Raises:
            OSError, ValueError: there is none, or not all of it.
        """
        starts, kept = (np.load(_beside(path, name)) for name in _KEPT)
        if path.stat().st_size != starts[-1]:
            raise ValueError(f"{path} is cut off")
        spool = cls.__new__(cls)
        spool._path, spool._file = path, path.open("rb")
        spool._starts, spool._hashes = array("Q", starts.tobytes()), array("Q")
        spool._kept = kept
        return spool

    def keep(self) -> None:
        """Writes beside it, durably, what `reopen` needs; call `finish` before."""
        assert self._kept is not None, "finish() has not been called"
        sync(self._path)
        rows = (np.frombuffer(self._starts, np.uint64), self._kept)
        for name, values in zip(_KEPT, rows, strict=True):
            path = _beside(self._path, name)
            np.save(path, values)
            sync(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, product: Product, place: Location) -> None:
        """Appends one row; `place` says where it came from."""
        row = encode_product(product) + b"\n" + orjson.dumps([place.source, place.line])
        self._file.write(row)
        self._starts.append(self._starts[-1] + len(row))
        self._hashes.frombytes(hashlib.blake2b(product.id.encode(), digest_size=16).digest())

    def __len__(self) -> int:
        return len(self._starts) - 1

    def finish(self) -> Iterator[Duplicate]:
        """Ends the writing: settles which rows stay (the last of each id, in the order of the
        source) and names the others."""
        self._file.flush()
        hashes = np.frombuffer(self._hashes, np.uint64).reshape(-1, 2)
        order = np.lexsort((np.arange(len(hashes)), hashes[:, 1], hashes[:, 0]))
        last = np.append((hashes[order[1:]] != hashes[order[:-1]]).any(axis=1), True)[: len(order)]
        groups = np.cumsum(last) - last
        replaced, winner = order[~last], order[last][groups[~last]]
        self._kept = np.sort(order[last])
        return self._duplicates(replaced, winner)

    def _duplicates(
        self, replaced: NDArray[np.int64], winner: NDArray[np.int64]
    ) -> Iterator[Duplicate]:
        for row, kept in sorted(zip(replaced.tolist(), winner.tolist(), strict=True)):
            product, place = self._read(row)
            yield Duplicate(product.id, place, self._read(kept)[1])

    def _read(self, row: int) -> tuple[Product, Location]:
        start, end = self._starts[row], self._starts[row + 1]
        self._file.seek(start)
        content, _, place = self._file.read(end - start).rpartition(b"\n")
        return decode_product(content), Location(*orjson.loads(place))

    @property
    def count(self) -> int:
        """Rows that stay; known after `finish`."""
        assert self._kept is not None, "finish() has not been called"
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return self._starts[-1]

    def products(self) -> Iterator[Product]:
        """The rows that stay, in order: their positions are the ordinals. May be read several
        times, also by several threads at once."""
        assert self._kept is not None, "finish() has not been called"
        starts = np.frombuffer(self._starts, np.uint64)
        with self._path.open("rb", _BUFFER) as rows:
            position = 0
            for row in self._kept:
                start, end = int(starts[row]), int(starts[row + 1])
                if start != position:
                    rows.seek(start)
                position = end
                yield decode_product(rows.read(end - start).rpartition(b"\n")[0])


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}.npy")
