"""How many titles have each trigram, counted in one pass over all of them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray


def _array(kind: Any, *, filled: bool = False) -> Any:
    return types.Array(kind, 1, "C", readonly=not filled)


_LONGS, _INTS, _HALVES = _array(types.int64), _array(types.int32), _array(types.uint16)
_SIGNATURE: Any = types.void(
    _INTS, _LONGS, _HALVES, _LONGS, _array(types.int64, filled=True),
    _array(types.int32, filled=True),
)  # fmt: skip


def _count(
    codes: NDArray[np.int32],
    rows: NDArray[np.int64],
    trigrams: NDArray[np.uint16],
    offsets: NDArray[np.int64],
    seen: NDArray[np.int64],
    out: NDArray[np.int32],
) -> None:
    """Title r holds `codes[rows[r]:rows[r + 1]]`, a stem `trigrams[offsets[code]:offsets[code +
    1]]`. `seen` holds -1, `out` zeros, one a trigram."""
    for row in range(len(rows) - 1):
        for code in codes[rows[row] : rows[row + 1]]:
            for each in trigrams[offsets[code] : offsets[code + 1]]:
                if seen[each] != row:
                    seen[each] = row
                    out[each] += 1


count_titles = cast(Any, njit(_SIGNATURE, nogil=True, cache=True)(_count))
