"""BM25 and coverage: how much of a query its fields have, as the words' kernels counted it."""

from __future__ import annotations

import math

import numpy as np

from rankers.features.coding import CODE, CONTENT, NUMBER, PURPOSE
from rankers.features.kernels.types import (
    Bytes,
    Counted,
    Floats,
    Ints,
    Longs,
    Matrix,
    Table,
    counted,
    filled,
    helper,
    i1,
    i4,
    i8,
    kernel,
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
def _share(best: Floats, roles: Bytes, role: int, idf: Floats) -> float:
    """How much of the slots of a role is filled, each counting by its rarity; NaN without such."""
    found, whole = 0.0, 0.0
    for slot in range(len(roles)):
        if roles[slot] & role:
            found += idf[slot] * best[slot]
            whole += idf[slot]
    return found / whole if whole > 0 else np.nan


@helper
def _beyond(best: Floats, title: Floats, roles: Bytes, idf: Floats) -> float:
    """How much a field has of the telling words that the title has not, by rarity; NaN without
    such."""
    found, whole = 0.0, 0.0
    for slot in range(len(roles)):
        if roles[slot] & CONTENT:
            whole += idf[slot]
            if title[slot] <= 0:
                found += idf[slot] * best[slot]
    return found / whole if whole > 0 else np.nan


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


@kernel(table, i4, i4, i1, i8, whole, counted, counted, counted, filled)
def fill(
    out: Table,
    keys: Ints,
    slots: Ints,
    roles: Bytes,
    refused: Longs,
    rows: int,
    title: Counted,
    description: Counted,
    details: Counted,
    idf: Matrix,
) -> None:
    """Fills a table that holds NaN, one row a candidate, columns as in `rankers.features.words`.
    `idf` is room for six numbers a slot."""
    size = title[1].shape[1]
    _rarity(keys, slots, title[3], rows, idf[0])
    _rarity(keys, slots, description[3], rows, idf[1])
    _rarity(keys, slots, details[3], rows, idf[2])
    for slot in range(size):
        idf[3, slot] = min(idf[0, slot], idf[1, slot], idf[2, slot])
    ones, best = idf[4], idf[5]
    ones[:] = 1
    for i in range(len(out)):
        row = out[i]
        known, elsewhere = title[2][i], 0
        for slot in range(size):
            best[slot] = title[1][i, slot]
        if title[2][i]:
            row[0] = _bm25(title[0][i], idf[0], roles, title[2][i], title[4])
            row[3] = _share(best, roles, CONTENT, ones)
            row[4] = _share(best, roles, CONTENT, idf[3])
            row[5] = _share(best, roles, NUMBER, ones)
        if description[2][i]:
            row[1] = _bm25(description[0][i], idf[1], roles, description[2][i], description[4])
            row[12] = _beyond(description[1][i], best, roles, idf[3])
        if details[2][i]:
            row[2] = _bm25(details[0][i], idf[2], roles, details[2][i], details[4])
            row[6] = _share(details[1][i], roles, CONTENT, idf[3])
        known += description[2][i] + details[2][i]
        for slot in range(size):
            other = max(description[1][i, slot], details[1][i, slot])
            best[slot] = max(best[slot], other)
            elsewhere |= (1 << slot) if other > 0 else 0
        if known:
            row[7] = _share(best, roles, CONTENT, ones)
            row[8] = _share(best, roles, CONTENT, idf[3])
            row[9] = _every(best, roles)
            row[10] = _share(best, roles, PURPOSE, idf[3])
            row[11] = _share(best, roles, CODE, ones)
            row[13] = _phrases(elsewhere, refused)
