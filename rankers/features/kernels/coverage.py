"""BM25 and coverage: how much of a query its fields have, as the words' kernels counted it."""

from __future__ import annotations

import math

import numpy as np

from rankers.features.coding import CODE, CONTENT, NUMBER, PURPOSE
from rankers.features.kernels.types import (
    Bag,
    Bytes,
    Counted,
    Floats,
    Ints,
    Known,
    Longs,
    Matrix,
    Singles,
    Table,
    bag,
    counted,
    f4,
    filled,
    group,
    helper,
    i1,
    i4,
    i8,
    kernel,
    known,
    table,
    whole,
)

K1, B = 1.2, 0.75
"""The usual values (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""


@helper
def _rarity(keys: Ints, slots: Ints, documents: Ints, rows: int, idf: Floats) -> None:
    """The inverse document frequency of every slot in a field; the commonest of its words counts,
    and a slot that no word fills is as rare as can be."""
    idf[:] = 0
    for k in range(len(keys)):
        if keys[k] < len(documents):
            idf[slots[k]] = max(idf[slots[k]], documents[keys[k]])
    for slot in range(len(idf)):
        idf[slot] = math.log(1 + (rows - idf[slot] + 0.5) / (idf[slot] + 0.5))


@helper
def _bm25(tf: Floats, idf: Floats, roles: Bytes, length: int, mean: float) -> float:
    """Okapi BM25 over the words that say something."""
    total = 0.0
    norm = K1 * (1 - B + B * length / mean)
    for slot in range(len(roles)):
        if roles[slot] and tf[slot] > 0:
            total += idf[slot] * tf[slot] * (K1 + 1) / (tf[slot] + norm)
    return total


@helper
def _search(
    codes: Ints, counts: Bytes, query: tuple[Ints, Ints, Singles], best: Floats, tf: Floats
) -> None:
    """Finds the keys in `codes`, both ascending: fills the best weight and the frequency of every
    slot."""
    keys, slots, weights = query
    low, end = 0, len(codes)
    best[:] = 0
    tf[:] = 0
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


@helper
def _whole(roles: Bytes, role: int, idf: Floats) -> float:
    """What all slots of a role count."""
    whole = 0.0
    for slot in range(len(roles)):
        if roles[slot] & role:
            whole += idf[slot]
    return whole


@helper
def _share(best: Floats, roles: Bytes, role: int, idf: Floats, whole: float) -> float:
    """How much of the slots of a role is filled, each counting by its rarity; NaN without such."""
    if whole <= 0:
        return np.nan
    found = 0.0
    for slot in range(len(roles)):
        if roles[slot] & role:
            found += idf[slot] * best[slot]
    return found / whole


@helper
def _beyond(best: Floats, title: Floats, roles: Bytes, idf: Floats, whole: float) -> float:
    """How much a field has of the telling words that the title has not, by rarity; NaN without
    such."""
    if whole <= 0:
        return np.nan
    found = 0.0
    for slot in range(len(roles)):
        if roles[slot] & CONTENT and title[slot] <= 0:
            found += idf[slot] * best[slot]
    return found / whole


@helper
def _every(best: Floats, roles: Bytes) -> bool:
    """Whether every word that says something is there."""
    for slot in range(len(roles)):  # noqa: SIM110 - a generator would not compile
        if roles[slot] and best[slot] <= 0:
            return False
    return True


@helper
def _phrases(mask: int, wanted: Longs) -> float:
    """The share of phrases whose every word is in `mask`; NaN without phrases."""
    found = 0
    for each in wanted:
        found += (mask & each) == each
    return found / len(wanted) if len(wanted) else np.nan


@helper
def _read(bag: Bag, i: int, query: tuple[Ints, Ints, Singles], best: Floats, tf: Floats) -> int:
    """Fills the best weight and the frequency of every slot in a candidate's field; its words."""
    (codes, counts, spans), _ = bag
    own = codes[spans[0, i] : spans[1, i]]
    often = counts[spans[2, i] : spans[2, i] + len(own)]
    _search(own, often, query, best, tf)
    return _total(often)


@kernel(table, group(i4, i4, f4), i1, i8, whole, group(counted, known), bag, bag, filled)
def fill(
    out: Table,
    query: tuple[Ints, Ints, Singles],
    roles: Bytes,
    refused: Longs,
    rows: int,
    title: tuple[Counted, Known],
    description: Bag,
    details: Bag,
    room: Matrix,
) -> None:
    """Fills a table that holds NaN, one row a candidate, columns as in `rankers.features.words`.
    `query` are the keys, slots and weights of `rankers.features.coding.CodedQuery`; `room` is for
    ten numbers a slot."""
    keys, slots, _ = query
    title_tf, title_best, title_words = title[0]
    usual, size = (title[1], description[1], details[1]), len(room[0])
    _rarity(keys, slots, usual[0][0], rows, room[0])
    _rarity(keys, slots, usual[1][0], rows, room[1])
    _rarity(keys, slots, usual[2][0], rows, room[2])
    idf, ones, best = room[3], room[4], room[5]
    ones[:] = 1
    for slot in range(size):
        idf[slot] = min(room[0, slot], room[1, slot], room[2, slot])
    telling, rare = _whole(roles, CONTENT, ones), _whole(roles, CONTENT, idf)
    figures, parts = _whole(roles, NUMBER, ones), _whole(roles, CODE, ones)
    purposes = _whole(roles, PURPOSE, idf)
    for i in range(len(out)):
        row, words = out[i], title_words[i]
        told = _read(description, i, query, room[6], room[7])
        listed = _read(details, i, query, room[8], room[9])
        for slot in range(size):
            best[slot] = title_best[i, slot]
        if words:
            row[0] = _bm25(title_tf[i], room[0], roles, words, usual[0][1])
            row[3] = _share(best, roles, CONTENT, ones, telling)
            row[4] = _share(best, roles, CONTENT, idf, rare)
            row[5] = _share(best, roles, NUMBER, ones, figures)
        if told:
            row[1] = _bm25(room[7], room[1], roles, told, usual[1][1])
            row[12] = _beyond(room[6], best, roles, idf, rare)
        if listed:
            row[2] = _bm25(room[9], room[2], roles, listed, usual[2][1])
            row[6] = _share(room[8], roles, CONTENT, idf, rare)
        if not words + told + listed:
            continue
        elsewhere = 0
        for slot in range(size):
            other = max(room[6, slot], room[8, slot])
            best[slot] = max(best[slot], other)
            elsewhere |= (1 << slot) if other > 0 else 0
        row[7] = _share(best, roles, CONTENT, ones, telling)
        row[8] = _share(best, roles, CONTENT, idf, rare)
        row[9] = _every(best, roles)
        row[10] = _share(best, roles, PURPOSE, idf, purposes)
        row[11] = _share(best, roles, CODE, ones, parts)
        row[13] = _phrases(elsewhere, refused)
