"""Words of titles that are spelled nearly like words of a query."""

from __future__ import annotations

from rankers.features.kernels.types import (
    Field,
    Ints,
    Longs,
    Table,
    field,
    group,
    helper,
    i4,
    kernel,
    table,
    whole,
)


@helper
def _place(offsets: Longs, later_offsets: Longs, row: int) -> tuple[bool, int, int]:
    """Whether a row is one of the live changes, and where it begins and ends."""
    base = len(offsets) - 1
    if row < base:
        return False, offsets[row], offsets[row + 1]
    return True, later_offsets[row - base], later_offsets[row - base + 1]


@helper
def _words_near(words: Ints, near: Ints, places: Ints) -> int:
    """A mask of the query's words that a title has a near spelling of; `near` ascends."""
    mask = 0
    for word in words:
        low, high = 0, len(near)
        while low < high:
            middle = (low + high) >> 1
            if near[middle] < word:
                low = middle + 1
            else:
                high = middle
        while low < len(near) and near[low] == word:
            mask |= 1 << places[low]
            low += 1
    return mask


@helper
def _bits(mask: int) -> int:
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@kernel(table, i4, group(i4, i4), whole, field)
def fill(out: Table, ordinals: Ints, near: tuple[Ints, Ints], wanted: int, field: Field) -> None:
    """Fills a table that holds NaN, one row a candidate. `near` are codes, ascending, and which of
    the `wanted` words of the query each is near to."""
    codes, _, offsets, later_codes, _, later_offsets = field
    for i in range(len(ordinals)):
        later, start, end = _place(offsets, later_offsets, ordinals[i])
        words = later_codes[start:end] if later else codes[start:end]
        if len(words):
            out[i, 0] = _bits(_words_near(words, near[0], near[1])) / wanted
