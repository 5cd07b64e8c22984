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

_LINE = 16
"""Codes in a line of the processor's cache."""


@helper
def _search(
    codes: Ints,
    counts: Bytes,
    start: int,
    end: int,
    keys: Ints,
    slots: Ints,
    weights: Singles,
    best: Floats,
    tf: Floats,
) -> None:
    """Finds the keys in `codes[start:end]`; both ascend."""
    low = start
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
def _total(counts: Bytes, start: int, end: int) -> int:
    total = 0
    for i in range(start, end):
        total += counts[i]
    return total


@helper
def _ahead(field: Field, ordinals: Ints) -> int:
    """Reads something of every row: one after another without waiting, the processor fetches many
    rows at once, which the loop over candidates would wait for one by one."""
    codes, counts, offsets, _, _, _ = field
    base, seen = len(offsets) - 1, 0
    for r in ordinals:
        if r < base:
            seen += offsets[r + 1]
    for r in ordinals:
        if r < base and offsets[r] < offsets[r + 1]:
            seen += counts[offsets[r]]
            for place in range(offsets[r], offsets[r + 1], _LINE):
                seen += codes[place]
    return seen


@kernel(filled, filled, lengths_filled, i4, i4, i4, f4, field)
def fill(
    tf: Matrix,
    best: Matrix,
    lengths: Longs,
    ordinals: Ints,
    keys: Ints,
    slots: Ints,
    weights: Singles,
    field: Field,
) -> None:
    """Fills the frequency and the best weight of every slot, shape (candidates, slots), which hold
    zeros, and the words of each candidate's field."""
    codes, counts, offsets, later_codes, later_counts, later_offsets = field
    base = len(offsets) - 1
    if _ahead(field, ordinals) < 0:  # never, but then the reading is of use
        return
    for i in range(len(ordinals)):
        r = ordinals[i]
        if r < base:
            start, end = offsets[r], offsets[r + 1]
            _search(codes, counts, start, end, keys, slots, weights, best[i], tf[i])
            lengths[i] = _total(counts, start, end)
        else:
            start, end = later_offsets[r - base], later_offsets[r - base + 1]
            _search(later_codes, later_counts, start, end, keys, slots, weights, best[i], tf[i])
            lengths[i] = _total(later_counts, start, end)
