"""The words of a query in the part of a title that says what a product is."""

from __future__ import annotations

import math

import numpy as np

from rankers.features.coding import CONTENT, PURPOSE
from rankers.features.kernels.types import (
    Bytes,
    Field,
    Floats,
    Ints,
    Matrix,
    Singles,
    Table,
    f4,
    field,
    filled,
    group,
    helper,
    i1,
    i4,
    kernel,
    table,
    whole,
)

COVERAGE, PRECISION, ASKED, HEAD, WORDS, ACCESSORY = range(6)
"""Columns, in the order of `rankers.features.kind.FEATURES`."""


@helper
def _rarity(keys: Ints, slots: Ints, documents: Ints, rows: int, idf: Floats) -> None:
    """The inverse document frequency of every slot; the commonest of its words counts."""
    idf[:] = 0
    for k in range(len(keys)):
        if keys[k] < len(documents):
            idf[slots[k]] = max(idf[slots[k]], documents[keys[k]])
    for slot in range(len(idf)):
        idf[slot] = math.log(1 + (rows - idf[slot] + 0.5) / (idf[slot] + 0.5))


@helper
def _share(best: Floats, idf: Floats, roles: Bytes) -> float:
    """How much of what is asked for is there, but for what it is to be for; NaN without such."""
    found, wanted = 0.0, 0.0
    for slot in range(len(roles)):
        if roles[slot] & CONTENT and not roles[slot] & PURPOSE:
            found += idf[slot] * best[slot]
            wanted += idf[slot]
    return found / wanted if wanted > 0 else np.nan


@helper
def _among(word: int, words: Ints) -> bool:
    for each in words:  # noqa: SIM110 - a generator would not compile
        if word == each and word >= 0:
            return True
    return False


@helper
def _bloom(codes: Ints, shift: int) -> int:
    """A mask of 64 bits that tells most words that are not among `codes` (Bloom, 1970)."""
    mask = 0
    for code in codes:
        mask |= 1 << (code >> shift & 63)
    return mask


@helper
def _row(
    row: Singles,
    words: Ints,
    query: tuple[Ints, Ints, Singles],
    head: int,
    accessories: Ints,
    blooms: tuple[int, int, int],
    best: Floats,
) -> None:
    """What the words of one product tell; `best` becomes the best weight of every slot. `blooms`
    are of the query's words and of accessories, twice."""
    keys, slots, weights = query
    matched, last_asked, last_head, accessory = 0, False, False, False
    best[:] = 0
    for p in range(len(words)):
        hit, is_head = False, False
        bit = 1 << (words[p] & 63)
        if blooms[0] & bit:
            for k in range(len(keys)):
                if keys[k] == words[p]:
                    hit = True
                    is_head = is_head or slots[k] == head
                    best[slots[k]] = max(best[slots[k]], weights[k])
        matched += hit
        last_asked, last_head = hit, is_head
        if not hit and blooms[1] & bit and blooms[2] & 1 << (words[p] >> 6 & 63):
            accessory = accessory or _among(words[p], accessories)
    row[PRECISION] = matched / len(words)
    row[ASKED] = last_asked
    if head >= 0:
        row[HEAD] = last_head
    row[WORDS] = len(words)
    row[ACCESSORY] = accessory


@kernel(table, group(i4, i4, f4), i1, group(whole, whole), i4, i4, field, filled)
def fill(
    out: Table,
    query: tuple[Ints, Ints, Singles],
    roles: Bytes,
    numbers: tuple[int, int],
    accessories: Ints,
    documents: Ints,
    field: Field,
    room: Matrix,
) -> None:
    """Fills a table that holds NaN, one row a candidate. `query` are the keys, slots and weights of
    `rankers.features.coding.CodedQuery`, `numbers` the slot of the head noun and the rows of the
    snapshot, `accessories` and `documents` codes and documents by code; `room` two numbers a
    slot."""
    keys, slots, _ = query
    head, rows = numbers
    idf, best = room[0], room[1]
    blooms = _bloom(keys, 0), _bloom(accessories, 0), _bloom(accessories, 6)
    _rarity(keys, slots, documents, rows, idf)
    codes, _, spans = field
    for i in range(len(out)):
        words = codes[spans[0, i] : spans[1, i]]
        if len(words):
            _row(out[i], words, query, head, accessories, blooms, best)
            out[i, COVERAGE] = _share(best, idf, roles)
