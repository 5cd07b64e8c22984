"""The words of a query in fields that are bags of words."""

from __future__ import annotations

from rankers.features.kernels.types import (
    Bytes,
    Field,
    Floats,
    Ints,
    Longs,
    Matrix,
    Singles,
    f4,
    field,
    filled,
    helper,
    i4,
    kernel,
    lengths_filled,
)


@helper
def _search(
    codes: Ints,
    counts: Bytes,
    keys: Ints,
    slots: Ints,
    weights: Singles,
    best: Floats,
    tf: Floats,
) -> None:
    """Finds the keys in `codes`; both ascend."""
    low, end = 0, len(codes)
    for k in range(len(keys)):
        high = end
        while low < high:
            middle = (low + high) >> 1
            if codes[middle] < keys[k]:
                low = middle + 1
            else:
                high = middle
        if low == end:
            return
        if codes[low] == keys[k]:
            slot = slots[k]
            tf[slot] += weights[k] * counts[low]
            best[slot] = max(best[slot], weights[k])


@helper
def _total(counts: Bytes) -> int:
    total = 0
    for count in counts:
        total += count
    return total


@kernel(filled, filled, lengths_filled, i4, i4, f4, field)
def fill(
    tf: Matrix,
    best: Matrix,
    lengths: Longs,
    keys: Ints,
    slots: Ints,
    weights: Singles,
    field: Field,
) -> None:
    """Fills the frequency and the best weight of every slot, shape (candidates, slots), which hold
    zeros, and the words of each candidate's field."""
    codes, counts, spans = field
    for i in range(len(lengths)):
        own = codes[spans[0, i] : spans[1, i]]
        often = counts[spans[2, i] : spans[2, i] + len(own)]
        _search(own, often, keys, slots, weights, best[i], tf[i])
        lengths[i] = _total(often)
