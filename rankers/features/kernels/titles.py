"""The words of a query in titles, where order counts.

A title is read once: each of its words becomes a mask of the slots that it fills (see
`rankers.features.coding`), and everything about order and nearness is read off these masks.
"""

from __future__ import annotations

import numpy as np

from rankers.features.coding import CONTENT, PURPOSE
from rankers.features.kernels.types import (
    Bytes,
    Field,
    Floats,
    Ints,
    Longs,
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
    i8,
    kernel,
    lengths_filled,
    table,
    whole,
)

LONGEST = 256
"""Words of a title beyond these are not looked at."""
(
    PRECISION, RUN, ORDER, FIRST_PLACE, DENSITY, PHRASE, EQUAL, HEAD, HEAD_TO_END, HEAD_BEYOND,
    FIRST, BEYOND, FOR_BEYOND, REFUSED, DENIED,
) = range(15)  # fmt: skip
"""Columns, in the order of `rankers.features.titles.FEATURES`."""


@helper
def _among(word: int, words: Ints) -> bool:
    for each in words:  # noqa: SIM110 - a generator would not compile
        if word == each and word >= 0:
            return True
    return False


@helper
def _bloom(codes: Ints) -> int:
    """A mask of 64 bits that tells most words that are not among `codes` (Bloom, 1970)."""
    mask = 0
    for code in codes:
        mask |= 1 << (code & 63)
    return mask


@helper
def _negated(words: Ints, p: int, refusing: Ints, articles: Ints, free: int) -> bool:
    """Whether the title says that it has not its p-th word: `sugar-free`, `without a lid`."""
    if p + 1 < len(words) and words[p + 1] == free:
        return True
    p -= 1
    while p >= 0 and _among(words[p], articles):
        p -= 1
    return p >= 0 and _among(words[p], refusing)


@helper
def _read(
    words: Ints,
    query: tuple[Ints, Ints, Singles, int, int],
    refusals: tuple[Ints, Ints, int],
    masks: Longs,
    best: Floats,
    tf: Floats,
) -> int:
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
def _first_places(masks: Longs, first: Longs) -> None:
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
def _longest_run(masks: Longs, sequence: Ints, lengths: Longs) -> int:
    """The most words of the query that stand side by side in the query's order."""
    longest = 0
    lengths[:] = 0
    running = False
    for p in range(len(masks)):
        mask = masks[p]
        if not mask and not running:
            continue
        running = mask != 0
        for j in range(len(sequence) - 1, -1, -1):
            if (mask >> sequence[j]) & 1:
                lengths[j] = 1 + (lengths[j - 1] if j else 0)
                longest = max(longest, lengths[j])
            else:
                lengths[j] = 0
    return longest


@helper
def _window(masks: Longs, wanted: int, last: Longs, size: int) -> int:
    """The fewest adjacent words of a title with every slot of `wanted`, which it all has."""
    shortest = len(masks)
    last[:] = -1
    for p in range(len(masks)):
        mask = masks[p] & wanted
        if not mask:
            continue
        earliest = p
        for slot in range(size):
            if (mask >> slot) & 1:
                last[slot] = p
            if (wanted >> slot) & 1:
                earliest = min(earliest, last[slot])
        if earliest >= 0:
            shortest = min(shortest, p - earliest + 1)
    return shortest


@helper
def _in_order(first: Longs, sequence: Ints) -> float:
    """The share of neighboring words of the query that first stand in this order in the title."""
    pairs = 0
    for j in range(1, len(sequence)):
        before, after = first[sequence[j - 1]], first[sequence[j]]
        pairs += before >= 0 and before < after
    return pairs / (len(sequence) - 1) if len(sequence) > 1 else np.nan


@helper
def _main_part(words: Ints, markers: Ints, bloom: int) -> int:
    """How many words stand before `for`, `with` or the like: they say what the product is."""
    for p in range(1, len(words)):
        if (bloom >> (words[p] & 63)) & 1 and _among(words[p], markers):
            return p
    return len(words)


@helper
def _bits(mask: int) -> int:
    """The slots of a mask."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@helper
def _phrases(mask: int, wanted: Longs) -> float:
    """The share of phrases whose every word is in `mask`; NaN without phrases."""
    found = 0
    for each in wanted:
        found += (mask & each) == each
    return found / len(wanted) if len(wanted) else np.nan


@helper
def _order(
    row: Singles,
    words: Ints,
    masks: Longs,
    sequence: Ints,
    telling: int,
    first: Longs,
    lengths: Longs,
) -> None:
    """What the places of the words tell."""
    found, matched, own = 0, 0, 0
    for slot in sequence:
        own |= 1 << slot
    for mask in masks:
        matched += mask & own != 0
        found |= mask & telling
    row[PRECISION] = matched / len(words)
    longest = _longest_run(masks, sequence, lengths)
    row[RUN] = longest / len(sequence)
    row[PHRASE] = longest == len(sequence)
    row[EQUAL] = longest == len(sequence) and len(words) == len(sequence)
    row[ORDER] = _in_order(first, sequence)
    if not found:
        return
    place = 0
    while not masks[place] & telling:
        place += 1
    row[FIRST_PLACE] = place
    row[DENSITY] = _bits(found) / _window(masks, found, first, len(first))


@helper
def _kind(
    row: Singles, masks: Longs, end: int, head: int, opening: int, telling: int, purpose: int
) -> None:
    """What the product is, and what it is merely for: the words before and after `for`."""
    main, after = 0, 0
    for p in range(len(masks)):
        if p < end:
            main |= masks[p]
            if head >= 0 and (masks[p] >> head) & 1:
                row[HEAD_TO_END] = end - 1 - p
        else:
            after |= masks[p]
    found, only_after = (main | after) & telling, after & ~main & telling
    if head >= 0:
        row[HEAD] = (found >> head) & 1
        row[HEAD_BEYOND] = (only_after >> head) & 1
        row[FIRST] = (found >> opening) & 1
    if found & ~purpose:
        row[BEYOND] = _bits(only_after & ~purpose) / _bits(found & ~purpose)
    if purpose:
        row[FOR_BEYOND] = _bits(only_after & purpose) / _bits(purpose)


@helper
def _mask_of(roles: Bytes, role: int) -> int:
    mask = 0
    for slot in range(len(roles)):
        if roles[slot] & role:
            mask |= 1 << slot
    return mask


@kernel(
    table, filled, filled, lengths_filled, group(i4, i4, f4), i4, i1,
    group(whole, whole, whole), i8, group(i4, i4, i4, whole), field,
    group(lengths_filled, lengths_filled, lengths_filled),
)  # fmt: skip
def fill(
    out: Table,
    tf: Matrix,
    best: Matrix,
    lengths: Longs,
    accepted: tuple[Ints, Ints, Singles],
    sequence: Ints,
    roles: Bytes,
    special: tuple[int, int, int],
    refused: Longs,
    helpers: tuple[Ints, Ints, Ints, int],
    field: Field,
    scratch: tuple[Longs, Longs, Longs],
) -> None:
    """Fills a table that holds NaN, one row a candidate, columns as in `rankers.features.titles`,
    and as `bags.fill` the frequency and best weight of slots, and the titles' words. `scratch` has
    room for `LONGEST` masks, a place for every slot, and a length for every word of `sequence`. For
    the other arguments see `rankers.features.coding.CodedQuery`."""
    keys, slots, weights = accepted
    markers, refusing, articles, free = helpers
    lenient, head, opening = special
    bloom, marking = _bloom(keys), _bloom(markers)
    telling, purpose = _mask_of(roles, CONTENT), _mask_of(roles, PURPOSE)
    masks, first, runs = scratch
    codes, _, spans = field
    query, refusals = (keys, slots, weights, bloom, lenient), (refusing, articles, free)
    for i in range(len(out)):
        words = codes[spans[0, i] : min(spans[1, i], spans[0, i] + LONGEST)]
        lengths[i] = len(words)
        if not len(words):
            continue
        found = masks[: len(words)]
        denied = _read(words, query, refusals, found, best[i], tf[i])
        _first_places(found, first)
        _order(out[i], words, found, sequence, telling, first, runs)
        _kind(out[i], found, _main_part(words, markers, marking), head, opening, telling, purpose)
        everything = 0
        for mask in found:
            everything |= mask
        out[i, REFUSED] = _phrases(everything, refused)
        out[i, DENIED] = _phrases(denied, refused)
