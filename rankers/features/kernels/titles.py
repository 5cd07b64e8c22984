"""The words of a query in titles, where order counts.

A title is read once: each of its words becomes a mask of the slots that it fills (see
`rankers.features.coding`), and everything about order and nearness is read off these masks.
"""

from __future__ import annotations

import numpy as np

from rankers.features.coding import MOST_SLOTS
from rankers.features.kernels.bags import helper

LONGEST = 256
"""Words of a title beyond these are not looked at."""


@helper
def title_of(field, row):  # type: ignore[no-untyped-def]
    """The codes of one title in order."""
    codes, _, offsets, later_codes, _, later_offsets, _, _ = field
    base = len(offsets) - 1
    if row < base:
        return codes[offsets[row] : min(offsets[row + 1], offsets[row] + LONGEST)]
    start = later_offsets[row - base]
    return later_codes[start : min(later_offsets[row - base + 1], start + LONGEST)]


@helper
def _among(word, words):  # type: ignore[no-untyped-def]
    for each in words:
        if word == each and word >= 0:
            return True
    return False


@helper
def _negated(words, p, refusing, articles, free):  # type: ignore[no-untyped-def]
    """Whether the title says that it has not its p-th word: `sugar-free`, `without a lid`."""
    if p + 1 < len(words) and words[p + 1] == free:
        return True
    p -= 1
    while p >= 0 and _among(words[p], articles):
        p -= 1
    return p >= 0 and _among(words[p], refusing)


@helper
def read(words, query, refusals, masks, best, tf):  # type: ignore[no-untyped-def]
    """Fills the mask of every word, and the best weight and the frequency of every slot. Returns a
    mask of the slots of words that the title negates: they fill only slots of `lenient`."""
    keys, slots, weights, bloom, lenient = query
    refusing, articles, free = refusals
    denied = 0
    best[:] = 0
    tf[:] = 0
    for p in range(len(words)):
        word = words[p]
        masks[p] = 0
        if not (bloom >> (word & 63)) & 1:
            continue
        for k in range(len(keys)):
            if keys[k] != word:
                continue
            slot = slots[k]
            if _negated(words, p, refusing, articles, free):
                denied |= 1 << slot
                if not (lenient >> slot) & 1:
                    continue
            masks[p] |= 1 << slot
            tf[slot] += weights[k]
            best[slot] = max(best[slot], weights[k])
    return denied


@helper
def first_places(masks, first):  # type: ignore[no-untyped-def]
    """Fills where each slot's first word stands, -1 where none does."""
    first[:] = -1
    seen = 0
    for p in range(len(masks)):
        new = masks[p] & ~seen
        seen |= new
        slot = 0
        while new:
            if new & 1:
                first[slot] = p
            new >>= 1
            slot += 1


@helper
def longest_run(masks, sequence, lengths):  # type: ignore[no-untyped-def]
    """The most words of the query that stand side by side in the query's order."""
    longest = 0
    lengths[:] = 0
    for p in range(len(masks)):
        for j in range(len(sequence) - 1, -1, -1):
            if (masks[p] >> sequence[j]) & 1:
                lengths[j] = 1 + (lengths[j - 1] if j else 0)
                longest = max(longest, lengths[j])
            else:
                lengths[j] = 0
    return longest


@helper
def window(masks, wanted, last):  # type: ignore[no-untyped-def]
    """The fewest adjacent words of a title with every slot of `wanted`, which it all has."""
    shortest = len(masks)
    last[:] = -1
    for p in range(len(masks)):
        mask = masks[p] & wanted
        if not mask:
            continue
        earliest = p
        for slot in range(MOST_SLOTS):
            if (mask >> slot) & 1:
                last[slot] = p
            if (wanted >> slot) & 1:
                earliest = min(earliest, last[slot])
        if earliest >= 0:
            shortest = min(shortest, p - earliest + 1)
    return shortest


@helper
def in_order(first, sequence):  # type: ignore[no-untyped-def]
    """The share of neighboring words of the query that first stand in this order in the title."""
    pairs = 0
    for j in range(1, len(sequence)):
        before, after = first[sequence[j - 1]], first[sequence[j]]
        pairs += before >= 0 and before < after
    return pairs / (len(sequence) - 1) if len(sequence) > 1 else np.nan


@helper
def main_part(words, markers):  # type: ignore[no-untyped-def]
    """How many words stand before `for`, `with` or the like: they say what the product is."""
    for p in range(1, len(words)):
        if _among(words[p], markers):
            return p
    return len(words)


@helper
def bits(mask):  # type: ignore[no-untyped-def]
    """The slots of a mask."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@helper
def phrases(mask, wanted):  # type: ignore[no-untyped-def]
    """The share of phrases whose every word is in `mask`; NaN without phrases."""
    found = 0
    for each in wanted:
        found += (mask & each) == each
    return found / len(wanted) if len(wanted) else np.nan
