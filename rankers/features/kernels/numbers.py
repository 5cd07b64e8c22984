"""The numbers and model numbers of a query in titles, and others in their place."""

from __future__ import annotations

import numpy as np

from rankers.features.kernels.types import (
    Bytes,
    Field,
    Ints,
    Singles,
    Table,
    field,
    group,
    helper,
    i1,
    i4,
    ints_filled_2,
    kernel,
    table,
)

CODES, NUMBERS, BESIDE, BESIDE_CONFLICT = range(4)
"""Columns, in the order of `rankers.features.numbers.FEATURES`."""
_NUMBER = 1
"""The shape of numbers (`search.types.shapes`); those of codes are above it."""
_ABSENT, _OTHER, _THERE = 0, 1, 2
"""What a title has in the place of a number: nothing, another one, the number itself."""


@helper
def _fills(word: int, slot: int, keys: Ints, slots: Ints) -> bool:
    for k in range(len(keys)):  # noqa: SIM110 - a generator would not compile
        if keys[k] == word and slots[k] == slot:
            return True
    return False


@helper
def _beside(
    words: Ints, p: int, step: int, slot: int, query: tuple[Ints, Ints], sequence: Ints
) -> bool:
    """Whether the word before (`step` -1) or after (1) the p-th of a title is also the one before
    or after a slot in the query."""
    keys, slots = query
    if not 0 <= p + step < len(words):
        return False
    for j in range(len(sequence)):
        if sequence[j] != slot or not 0 <= j + step < len(sequence):
            continue
        neighbor = sequence[j + step]
        if neighbor != slot and _fills(words[p + step], neighbor, keys, slots):
            return True
    return False


@helper
def _row(
    words: Ints,
    query: tuple[Ints, Ints],
    sequence: Ints,
    figures: tuple[Ints, Ints, Bytes],
    found: Ints,
    beside: Ints,
) -> None:
    """Fills what the title has of each number, and what beside its neighbor."""
    keys, slots = query
    wanted, shapes, known = figures
    found[:] = _ABSENT
    beside[:] = _ABSENT
    for p in range(len(words)):
        word = words[p]
        shape = known[word] if word < len(known) else 0
        if not shape:
            continue
        for f in range(len(wanted)):
            same = _fills(word, wanted[f], keys, slots)
            if not same and shape != shapes[f]:
                continue
            state = _THERE if same else _OTHER
            found[f] = max(found[f], state)
            if _beside(words, p, -1, wanted[f], query, sequence) or _beside(
                words, p, 1, wanted[f], query, sequence
            ):
                beside[f] = max(beside[f], state)


@helper
def _shares(row: Singles, shapes: Ints, found: Ints, beside: Ints) -> None:
    codes, numbers, code_conflicts, number_conflicts = 0, 0, 0, 0
    near, conflicts = 0, 0
    for f in range(len(shapes)):
        other = found[f] == _OTHER
        if shapes[f] == _NUMBER:
            numbers += 1
            number_conflicts += other
        else:
            codes += 1
            code_conflicts += other
        near += beside[f] == _THERE
        conflicts += beside[f] == _OTHER
    row[CODES] = code_conflicts / codes if codes else np.nan
    row[NUMBERS] = number_conflicts / numbers if numbers else np.nan
    row[BESIDE] = near / len(shapes)
    row[BESIDE_CONFLICT] = conflicts / len(shapes)


@kernel(table, group(i4, i4), i4, group(i4, i4, i1), field, ints_filled_2)
def fill(
    out: Table,
    query: tuple[Ints, Ints],
    sequence: Ints,
    figures: tuple[Ints, Ints, Bytes],
    field: Field,
    room: Ints,
) -> None:
    """Fills a table that holds NaN, one row a candidate. `query` are the keys and slots of
    `rankers.features.coding.CodedQuery`, `figures` the slots of numbers, their shapes, and the
    shapes of all stems; `room` two numbers for each of these slots."""
    codes, _, spans = field
    found, beside = room[0], room[1]
    for i in range(len(out)):
        words = codes[spans[0, i] : spans[1, i]]
        if len(words):
            _row(words, query, sequence, figures, found, beside)
            _shares(out[i], figures[1], found, beside)
