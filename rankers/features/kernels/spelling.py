"""Words of titles that are spelled nearly like words of a query."""

from __future__ import annotations

from rankers.features.kernels.types import (
    Field,
    Ints,
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


@kernel(table, group(i4, i4), whole, field)
def fill(out: Table, near: tuple[Ints, Ints], wanted: int, field: Field) -> None:
    """Fills a table that holds NaN, one row a candidate. `near` are codes, ascending, and which of
    the `wanted` words of the query each is near to."""
    codes, _, spans = field
    for i in range(len(out)):
        words = codes[spans[0, i] : spans[1, i]]
        if len(words):
            out[i, 0] = _bits(_words_near(words, near[0], near[1])) / wanted
