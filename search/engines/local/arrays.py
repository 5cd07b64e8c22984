"""Arrays on disk that are mapped into memory, arrays that grow behind them, and arrays written in
pieces.

`np.asarray` takes off the memmap subclass, whose indexing is several times slower.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def load(path: Path) -> NDArray[Any]:
    """Maps a .npy file; an empty one is read, since nothing cannot be mapped."""
    if path.stat().st_size < 256:
        return np.asarray(np.load(path))
    return np.asarray(np.load(path, mmap_mode="r"))


def gather(
    values: NDArray[Scalar], offsets: NDArray[np.int64], rows: NDArray[np.int32]
) -> tuple[NDArray[Scalar], NDArray[np.intp]]:
    """The values of some rows, one row after another, and the place in `rows` that each belongs to.
    Row r holds `values[offsets[r]:offsets[r + 1]]`."""
    starts = offsets.take(rows)
    lengths = offsets.take(rows + 1) - starts
    owners = np.arange(len(rows)).repeat(lengths)
    before = lengths.cumsum() - lengths
    return values.take((starts - before).take(owners) + np.arange(len(owners))), owners


class GrowingArray(Generic[Scalar]):
    """A mapped array and the rows appended after it.

    Rows never change once written, so a slice taken earlier stays as it was: every view shares one
    buffer. The mapped rows are copied once, when the first row is appended.
    """

    def __init__(self, base: NDArray[Scalar]) -> None:
        self._buffer = base
        self._length = len(base)
        self._owned = False

    def __len__(self) -> int:
        return self._length

    def append(self, rows: NDArray[Scalar]) -> None:
        """Adds rows at the end; one thread at a time."""
        needed = self._length + len(rows)
        if not self._owned or needed > len(self._buffer):
            self._grow(needed)
        self._buffer[self._length : needed] = rows
        self._length = needed

    def _grow(self, needed: int) -> None:
        spare = max(4096, needed // 16)
        grown = np.empty((needed + spare, *self._buffer.shape[1:]), self._buffer.dtype)
        grown[: self._length] = self._buffer[: self._length]
        self._buffer, self._owned = grown, True

    def rows(self, count: int) -> NDArray[Scalar]:
        """The first `count` rows, without a copy."""
        return self._buffer[:count]


class ArrayFile(Generic[Scalar]):
    """Writes a one-dimensional .npy file in pieces, for arrays too large to be collected first."""

    def __init__(self, path: Path, kind: type[Scalar]) -> None:
        self._file = path.open("wb", buffering=1 << 20)
        self._kind: np.dtype[Scalar] = np.dtype(kind)
        self._length = 0
        self._write_header()

    def append(self, rows: NDArray[Scalar]) -> None:
        """Adds rows at the end."""
        self._file.write(np.ascontiguousarray(rows, self._kind).data)
        self._length += len(rows)

    def finish(self) -> None:
        """Completes the file."""
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def abort(self) -> None:
        """Gives the file back after a failed build."""
        self._file.close()

    def _write_header(self) -> None:
        # NumPy pads it for the longest possible length, so that it can be written over.
        header = {
            "descr": np.lib.format.dtype_to_descr(self._kind),
            "fortran_order": False,
            "shape": (self._length,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)
