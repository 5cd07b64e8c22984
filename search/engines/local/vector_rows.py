"""The vectors of some hundred documents at once, read where FAISS keeps them.

`reconstruct_batch` makes a decoder for each vector and takes .3 ms for 200 of 384 dimensions. The
codes lie in one piece (exact search: 16-bit floats) or in a piece for each cell (inverted file: one
byte per dimension, relative to the cell's centroid); both are decoded here in a tenth of that,
without a copy of the index and without Python's lock.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, cast

import faiss as _faiss
import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from search.types import Ordinals, Vectors

faiss: Any = _faiss
_OPTIONS: Any = {"nogil": True, "cache": True}


def _array(kind: Any, dimensions: int, *, filled: bool = False) -> Any:
    return types.Array(kind, dimensions, "C", readonly=not filled)


_BYTES, _HALVES = _array(types.uint8, 1), _array(types.uint16, 2)
_INTS, _LONGS = _array(types.int32, 1), _array(types.int64, 1)
_SINGLES = _array(types.float32, 1)
_MATRIX, _OUT = _array(types.float32, 2), _array(types.float32, 2, filled=True)
_LINE = 64
"""Bytes in a line of the processor's cache."""
_HALF_TO_SINGLE = np.float32(2.0**112)
"""What the bits of a half-precision number, moved to the places of a single's, fall short by: their
exponents are biased by 15 and 127."""


class VectorRows:
    """The vectors of an index that is exact over 16-bit floats, or an inverted file over bytes."""

    def __init__(self, index: Any) -> None:
        """`index` must not change afterwards."""
        self._of = _inverted_file(index) if hasattr(index, "nlist") else _exact(index)
        self._index, self._dimensions = index, index.d  # the index owns the memory that is read

    def of(self, ordinals: Ordinals) -> Vectors:
        """Float32 of shape (len(ordinals), dimensions).

        Raises:
            IndexError: an ordinal is not in the index.
        """
        out = np.empty((len(ordinals), self._dimensions), np.float32)
        if not self._of(np.ascontiguousarray(ordinals, np.int32), out):
            raise IndexError(f"ordinals must be below {self._index.ntotal}")
        return out


Gather = Callable[[Ordinals, Vectors], bool]
"""Fills the vectors of some ordinals; whether the index has them all."""
Kernel = Callable[..., bool]


def _exact(index: Any) -> Gather:
    shape = (index.ntotal, index.d)
    if not index.ntotal:
        return lambda ordinals, out: not len(ordinals)
    halves = _memory(int(index.codes.data()), 2 * index.ntotal * index.d)
    rows = halves.view(np.uint16).reshape(shape)
    return lambda ordinals, out: _from_halves(rows, ordinals, out)


def _inverted_file(index: Any) -> Gather:
    cells, size = index.nlist, index.d
    lists = [int(index.invlists.get_codes(cell)) for cell in range(cells)]
    ends = [start + size * index.invlists.list_size(i) for i, start in enumerate(lists)]
    first = min(lists)
    codes = _memory(first, max(ends) - first)
    starts = np.array(lists, np.int64) - first
    # The cell in the upper half of each number, the place within the cell in the lower.
    places = faiss.rev_swig_ptr(index.direct_map.array.data(), index.ntotal)
    trained = faiss.vector_to_array(index.sq.trained).reshape(2, size)
    centroids = np.zeros((cells, size), np.float32)
    if index.by_residual:
        centroids = index.quantizer.reconstruct_n(0, cells)
    # A byte stands for the middle of its step.
    step = trained[1] / np.float32(255)
    low = trained[0] + step / 2
    return lambda ordinals, out: _from_bytes(
        codes, starts, places, centroids, low, step, ordinals, out
    )


def _memory(address: int, size: int) -> NDArray[np.uint8]:
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))


def _kernel(*arguments: Any) -> Callable[[Kernel], Kernel]:
    """Compiles a function when this module is imported, so that no request waits for it."""
    return cast(Callable[[Kernel], Kernel], njit(types.boolean(*arguments), **_OPTIONS))


@_kernel(_HALVES, _INTS, _OUT)
def _from_halves(
    rows: NDArray[np.uint16], ordinals: NDArray[np.int32], out: NDArray[np.float32]
) -> bool:
    """Moves sign and magnitude to their places in a single; multiplying sets the exponent right,
    for denormal numbers too. Vectors hold nothing infinite."""
    bits = out.view(np.uint32)
    for i in range(len(ordinals)):
        if not 0 <= ordinals[i] < len(rows):
            return False
        row = rows[ordinals[i]]
        for j in range(row.shape[0]):
            half = np.uint32(row[j])
            sign = (half & np.uint32(0x8000)) << np.uint32(16)
            bits[i, j] = sign | ((half & np.uint32(0x7FFF)) << np.uint32(13))
        for j in range(row.shape[0]):
            out[i, j] *= _HALF_TO_SINGLE
    return True


@_kernel(_BYTES, _LONGS, _LONGS, _MATRIX, _SINGLES, _SINGLES, _INTS, _OUT)
def _from_bytes(
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    centroids: NDArray[np.float32],
    low: NDArray[np.float32],
    step: NDArray[np.float32],
    ordinals: NDArray[np.int32],
    out: NDArray[np.float32],
) -> bool:
    size, seen = out.shape[1], 0
    rows = np.empty(len(ordinals), np.int64)
    for i in range(len(ordinals)):
        if not 0 <= ordinals[i] < len(places):
            return False
        place = places[ordinals[i]]
        rows[i] = starts[place >> 32] + (place & 0xFFFFFFFF) * size
    # One after another without waiting, the processor fetches many rows at once, which the loop
    # below would wait for one by one.
    for start in rows:
        for byte in range(start, start + size, _LINE):
            seen += codes[byte]
    if seen < 0:  # never, but then the reading is of use
        return False
    for i in range(len(ordinals)):
        row, vector = codes[rows[i] : rows[i] + size], out[i]
        centroid = centroids[places[ordinals[i]] >> 32]
        for j in range(size):
            vector[j] = centroid[j] + (low[j] + np.float32(row[j]) * step[j])
    return True
