"""The learned weights of the words of titles, added up."""

from __future__ import annotations

from rankers.features.kernels.types import (
    Field,
    Floats,
    Ints,
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
def _number(code: int, numbers: Ints) -> int:
    """The number of a word by its code, -1 where nothing was learned of it."""
    return numbers[code] if 0 <= code < len(numbers) else -1


@kernel(floats_filled, i4, f4, f4, field, field, ints_filled)
def fill(
    out: Floats,
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
    codes, _, spans = titles
    kind_codes, _, kind_spans = kinds
    for i in range(len(out)):
        total = 0.0
        words = codes[spans[0, i] : spans[1, i]]
        for p in range(len(words)):
            word = _number(words[p], numbers)
            if word >= 0 and seen[word] != i:
                seen[word] = i
                total += in_title[word]
        words = kind_codes[kind_spans[0, i] : kind_spans[1, i]]
        if len(words):
            word = _number(words[len(words) - 1], numbers)
            if word >= 0:
                total += as_head[word]
        out[i] = total
