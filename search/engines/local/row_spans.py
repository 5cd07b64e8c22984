"""Where the texts of some hundred products lie in their rows (see `text_rows`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Kernel = Callable[..., None]
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}
_LINE = 16
"""Numbers in a line of the processor's cache."""
_FIELDS, _HEADER, _BAG = 4, 2, 2
"""Fields of a row, numbers before their codes, and the first that is a bag of words, as are all
after."""


def _array(kind: Any, dimensions: int = 1, *, filled: bool = False) -> Any:
    return types.Array(kind, dimensions, "C", readonly=not filled)


_I4, _I8 = _array(types.int32), _array(types.int64)


def _kernel(*arguments: Any) -> Callable[[Kernel], Kernel]:
    """Compiles a function when this module is imported, so that no request waits for it."""
    return cast(Callable[[Kernel], Kernel], njit(types.void(*arguments), **_OPTIONS))


def _helper(function: Kernel) -> Kernel:
    """Compiles a function into the kernels that call it."""
    return cast(Kernel, njit(**_OPTIONS)(function))


@_helper
def _span(rows: Ints, start: int, spans: Longs, i: int) -> None:
    """Fills the spans of the fields of the row that begins at `start`, the i-th of some."""
    place = start + _HEADER
    for field in range(_FIELDS):
        spans[field, 0, i] = place
        place += rows[start + (field >> 1)] >> (16 * (field & 1)) & 0xFFFF
        spans[field, 1, i] = place
    place *= 4
    for field in range(_FIELDS):
        spans[field, 2, i] = place if field >= _BAG else 0
        place += spans[field, 1, i] - spans[field, 0, i] if field >= _BAG else 0


@_kernel(_I4, _I8, _I4, _array(types.int64, 3, filled=True))
def locate(rows: Ints, offsets: Longs, ordinals: Ints, spans: Longs) -> None:
    """Fills the spans of each field in the rows themselves (fields, 3, products; see
    `search.types.TextRows`), and reads something of every line of them: one after another without
    waiting, the processor fetches many at once, which kernels would wait for one by one."""
    seen = 0
    for r in ordinals:
        seen |= offsets[r + 1]
    for r in ordinals:
        for place in range(offsets[r], offsets[r + 1], _LINE):
            seen |= rows[place]
    if seen == -1 << 62:  # never, but then the reading is of use
        return
    for i in range(len(ordinals)):
        _span(rows, offsets[ordinals[i]], spans, i)


@_kernel(_I4, _I8, _I4, _I8, _I4, _array(types.int64, filled=True))
def measure(
    own: Ints, offsets: Longs, later: Ints, later_offsets: Longs, ordinals: Ints, ends: Longs
) -> None:
    """Fills where the row of each product will end, one behind another. `own` and `offsets` are the
    rows of the snapshot, the others those of live changes."""
    base, end = len(offsets) - 1, 0
    for i in range(len(ordinals)):
        r = ordinals[i]
        if r < base:
            end += offsets[r + 1] - offsets[r]
        else:
            end += later_offsets[r - base + 1] - later_offsets[r - base]
        ends[i] = end


@_kernel(
    _I4, _I8, _I4, _I8, _I4, _I8, _array(types.int32, filled=True),
    _array(types.int64, 3, filled=True),
)  # fmt: skip
def copy(
    own: Ints,
    offsets: Longs,
    later: Ints,
    later_offsets: Longs,
    ordinals: Ints,
    ends: Longs,
    rows: Ints,
    spans: Longs,
) -> None:
    """Copies the rows that `measure` measured, and fills the spans of each field in them (fields,
    3, products; see `search.types.TextRows`)."""
    base, at = len(offsets) - 1, 0
    for i in range(len(ordinals)):
        r = ordinals[i]
        if r < base:
            source, start = own, offsets[r]
        else:
            source, start = later, later_offsets[r - base]
        # Without signs the compiler knows that no index is negative, and copies many at once.
        size, first, put = np.uint64(ends[i] - at), np.uint64(start), np.uint64(at)
        for j in range(size):
            rows[put + np.uint64(j)] = source[first + np.uint64(j)]
        at = ends[i]
    for i in range(len(ordinals)):
        _span(rows, ends[i - 1] if i else 0, spans, i)
