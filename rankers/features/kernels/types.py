"""Types of kernel arguments, for numba and for readers. Arrays are read-only and contiguous, as
mapped files are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Table = NDArray[np.float32]
Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]
Spans = NDArray[np.int64]
Field = tuple[Ints, Bytes, Spans]
"""One text field of the candidates (see `search.types.TextRows`)."""
Known = tuple[Ints, float]
"""What is usual in a field: documents by code, and the words of one on average."""
Bag = tuple[Field, Known]
Counted = tuple[Matrix, Matrix, Longs]
"""One field of the candidates: frequency and best weight of every slot, and its words."""

F = TypeVar("F", bound=Callable[..., Any])


def _array(dtype: Any, dimensions: int = 1, *, readonly: bool = True) -> Any:
    return types.Array(dtype, dimensions, "C", readonly=readonly)


def group(*members: Any) -> Any:
    """Several arguments in one."""
    return cast(Any, types).Tuple(members)


i1, i4, i8 = _array(types.uint8), _array(types.int32), _array(types.int64)
f4 = _array(types.float32)
matrix = _array(types.float32, 2)
flags = _array(types.bool_, 2)
table = types.Array(types.float32, 2, "A")
"""What a kernel fills: columns of a wider table, so that its rows lie apart."""
whole: Any = types.int64
number: Any = types.float64
spans: Any = _array(types.int64, 2)
field: Any = group(i4, i1, spans)
filled = _array(types.float64, 2, readonly=False)
lengths_filled = _array(types.int64, readonly=False)
ints_filled = _array(types.int32, readonly=False)
ints_filled_2 = _array(types.int32, 2, readonly=False)
singles_filled = _array(types.float32, readonly=False)
floats_filled = _array(types.float64, readonly=False)
counted: Any = group(_array(types.float64, 2), _array(types.float64, 2), i8)
counted_filled: Any = group(filled, filled, lengths_filled)
known: Any = group(i4, types.float64)
bag: Any = group(field, known)

_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}
"""Without numba's run time nothing is allocated in a kernel, and references to arrays are not
counted, at every slice: that took half of the time. Room to work in comes from the caller."""


def kernel(*arguments: Any) -> Callable[[F], F]:
    """Compiles a function for arguments of these types when its module is first imported."""
    return cast(Callable[[F], F], njit(types.void(*arguments), **_OPTIONS))


def helper(function: F) -> F:
    """Compiles a function into the kernels that call it. They must be in its own module: numba
    keeps a kernel on disk until the kernel's module changes, whatever becomes of others."""
    return cast(F, njit(**_OPTIONS)(function))
