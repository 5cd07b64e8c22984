"""The words of a query in fields that are bags of words, and BM25."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

K1, B = 1.2, 0.75
"""The usual values (Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009)."""

helper: Any = njit(nogil=True, cache=True, error_model="numpy")


@helper
def rarity(keys, slots, documents, rows, idf):  # type: ignore[no-untyped-def]
    """The inverse document frequency of every slot in a field; the commonest of its words counts,
    and a slot that no word fills is as rare as can be."""
    idf[:] = 0
    for k in range(len(keys)):
        if keys[k] < len(documents):
            idf[slots[k]] = max(idf[slots[k]], documents[keys[k]])
    for slot in range(len(idf)):
        idf[slot] = math.log(1 + (rows - idf[slot] + 0.5) / (idf[slot] + 0.5))


@helper
def bm25(tf, idf, roles, length, mean):  # type: ignore[no-untyped-def]
    """Okapi BM25 over the words that say something."""
    total = 0.0
    norm = K1 * (1 - B + B * length / mean)
    for slot in range(len(roles)):
        if roles[slot] and tf[slot] > 0:
            total += idf[slot] * tf[slot] * (K1 + 1) / (tf[slot] + norm)
    return total


@helper
def share(best, roles, role, idf):  # type: ignore[no-untyped-def]
    """How much of the slots of a role is filled, each counting by its rarity; NaN without such."""
    found, whole = 0.0, 0.0
    for slot in range(len(roles)):
        if roles[slot] & role:
            found += idf[slot] * best[slot]
            whole += idf[slot]
    return found / whole if whole > 0 else np.nan


@helper
def _search(codes, counts, start, end, keys, slots, weights, best, tf):  # type: ignore[no-untyped-def]
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
def _total(counts, start, end):  # type: ignore[no-untyped-def]
    total = 0
    for i in range(start, end):
        total += counts[i]
    return total


@helper
def look_up(field, row, keys, slots, weights, best, tf):  # type: ignore[no-untyped-def]
    """Fills the best weight and the frequency of every slot in one row; the row's words."""
    codes, counts, offsets, later_codes, later_counts, later_offsets, _, _ = field
    best[:] = 0
    tf[:] = 0
    base = len(offsets) - 1
    if row < base:
        start, end = offsets[row], offsets[row + 1]
        _search(codes, counts, start, end, keys, slots, weights, best, tf)
        return _total(counts, start, end)
    start, end = later_offsets[row - base], later_offsets[row - base + 1]
    _search(later_codes, later_counts, start, end, keys, slots, weights, best, tf)
    return _total(later_counts, start, end)
