"""The learned weights of the words of titles, added up."""

from __future__ import annotations

from rankers.features.kernels.types import (
    Field,
    Floats,
    Ints,
    Longs,
    Singles,
    f4,
    field,
    floats_filled,
    helper,
    i4,
    ints_filled,
    kernel,
)


@helper
def _place(offsets: Longs, later_offsets: Longs, row: int) -> tuple[bool, int, int]:
    """Whether a row is one of the live changes, and where it begins and ends."""
    base = len(offsets) - 1
    if row < base:
        return False, offsets[row], offsets[row + 1]
    return True, later_offsets[row - base], later_offsets[row - base + 1]


@helper
def _number(code: int, numbers: Ints) -> int:
    """The number of a word by its code, -1 where nothing was learned of it."""
    return numbers[code] if 0 <= code < len(numbers) else -1


@kernel(floats_filled, i4, i4, f4, f4, field, field, ints_filled)
def fill(
    out: Floats,
    ordinals: Ints,
    numbers: Ints,
    in_title: Singles,
    as_head: Singles,
    titles: Field,
    kinds: Field,
    seen: Ints,
) -> None:
    """Every distinct word of a title counts once, the last one of its kind as head noun as well.
    `numbers` are those of words by code, `in_title` and `as_head` as in
    `rankers.associations.Associations.weigh`; `seen`, one a word, holds -1 throughout."""
    codes, _, offsets, later_codes, _, later_offsets = titles
    kind_codes, _, kind_offsets, later_kinds, _, later_kind_offsets = kinds
    for i in range(len(ordinals)):
        total = 0.0
        later, start, end = _place(offsets, later_offsets, ordinals[i])
        words = later_codes[start:end] if later else codes[start:end]
        for p in range(len(words)):
            word = _number(words[p], numbers)
            if word >= 0 and seen[word] != i:
                seen[word] = i
                total += in_title[word]
        later, start, end = _place(kind_offsets, later_kind_offsets, ordinals[i])
        words = later_kinds[start:end] if later else kind_codes[start:end]
        if len(words):
            word = _number(words[len(words) - 1], numbers)
            if word >= 0:
                total += as_head[word]
        out[i] = total
