"""Types of kernel arguments. Arrays are read-only and contiguous: mapped files are both."""

from __future__ import annotations

from numba import types

i1 = types.Array(types.uint8, 1, "C", readonly=True)
i4 = types.Array(types.int32, 1, "C", readonly=True)
i8 = types.Array(types.int64, 1, "C", readonly=True)
f4 = types.Array(types.float32, 1, "C", readonly=True)
table = types.Array(types.float32, 2, "C")
"""What a kernel fills."""
matrix = types.Array(types.float32, 2, "C", readonly=True)
flags = types.Array(types.bool_, 2, "C", readonly=True)
text = (i4, i1, i8, i4, i1, i8, i4, types.float64)
"""One text field: its rows, those of live changes, documents by code, mean length."""
number, whole, nothing = types.float64, types.int64, types.void
