"""The words of a query in titles, where order counts.

A title is read once: each of its words that fills slots (see `rankers.features.coding`) becomes a
mask of these, and everything about order and nearness is read off these few places and masks.
"""

from __future__ import annotations

import numpy as np

from rankers.features.coding import CONTENT, PURPOSE
from rankers.features.kernels.types import (
    Bytes,
    Counted,
    Field,
    Floats,
    Ints,
    Longs,
    Singles,
    Table,
    counted_filled,
    f4,
    field,
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
    marks: tuple[Ints, int],
    refusals: tuple[Ints, Ints, int],
    hits: tuple[Longs, Longs],
    best: Floats,
    tf: Floats,
) -> tuple[int, int, int]:
    """Fills place and mask of every word that fills a slot, and the best weight and the frequency
    of every slot. Returns how many such words there are; how many words stand before `for`, `with`
    or the like, which say what the product is; and a mask of the slots of words that the title
    negates: they fill only slots of `lenient`."""
    keys, slots, weights, bloom, lenient = query
    markers, marking = marks
    refusing, articles, free = refusals
    places, masks = hits
    kept, end, denied = 0, len(words), 0
    best[:] = 0
    tf[:] = 0
    for p in range(len(words)):
        word = words[p]
        bit = 1 << (word & 63)
        if bit & marking and 0 < p < end and _among(word, markers):
            end = p
        if not bit & bloom:
            continue
        mask = 0
        for k in range(len(keys)):
            if keys[k] != word:
                continue
            slot = slots[k]
            if _negated(words, p, refusing, articles, free):
                denied |= 1 << slot
                if not (lenient >> slot) & 1:
                    continue
            mask |= 1 << slot
            tf[slot] += weights[k]
            best[slot] = max(best[slot], weights[k])
        if mask:
            places[kept], masks[kept] = p, mask
            kept += 1
    return kept, end, denied


@helper
def _first_places(hits: tuple[Longs, Longs], first: Longs) -> int:
    """Fills where each slot's first word stands, -1 where none does; a mask of all that do."""
    places, masks = hits
    first[:] = -1
    seen = 0
    for h in range(len(masks)):
        new = masks[h] & ~seen
        seen |= new
        slot = 0
        while new:
            if new & 1:
                first[slot] = places[h]
            new >>= 1
            slot += 1
    return seen


@helper
def _longest_run(hits: tuple[Longs, Longs], sequence: Ints, lengths: Longs) -> int:
    """The most words of the query that stand side by side in the query's order."""
    places, masks = hits
    longest = 0
    for h in range(len(masks)):
        if not h or places[h] != places[h - 1] + 1:
            lengths[:] = 0
        for j in range(len(sequence) - 1, -1, -1):
            if (masks[h] >> sequence[j]) & 1:
                lengths[j] = 1 + (lengths[j - 1] if j else 0)
                longest = max(longest, lengths[j])
            else:
                lengths[j] = 0
    return longest


@helper
def _window(hits: tuple[Longs, Longs], wanted: int, last: Longs, size: int) -> int:
    """The fewest adjacent words of a title with every slot of `wanted`, which it all has."""
    places, masks = hits
    shortest = LONGEST
    last[:] = -1
    for h in range(len(masks)):
        mask = masks[h] & wanted
        if not mask:
            continue
        earliest = places[h]
        for slot in range(size):
            if (mask >> slot) & 1:
                last[slot] = places[h]
            if (wanted >> slot) & 1:
                earliest = min(earliest, last[slot])
        if earliest >= 0:
            shortest = min(shortest, places[h] - earliest + 1)
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
    words: int,
    hits: tuple[Longs, Longs],
    sequence: Ints,
    telling: int,
    first: Longs,
    lengths: Longs,
) -> None:
    """What the places of the words tell."""
    places, masks = hits
    found, matched, own = 0, 0, 0
    for slot in sequence:
        own |= 1 << slot
    for mask in masks:
        matched += mask & own != 0
        found |= mask & telling
    row[PRECISION] = matched / words
    longest = _longest_run(hits, sequence, lengths)
    row[RUN] = longest / len(sequence)
    row[PHRASE] = longest == len(sequence)
    row[EQUAL] = longest == len(sequence) and words == len(sequence)
    row[ORDER] = _in_order(first, sequence)
    if not found:
        return
    h = 0
    while not masks[h] & telling:
        h += 1
    row[FIRST_PLACE] = places[h]
    row[DENSITY] = _bits(found) / _window(hits, found, first, len(first))


@helper
def _kind(
    row: Singles,
    hits: tuple[Longs, Longs],
    end: int,
    special: tuple[int, int],
    telling: int,
    purpose: int,
) -> None:
    """What the product is, and what it is merely for: the words before and after `for`."""
    places, masks = hits
    head, opening = special
    main, after = 0, 0
    for h in range(len(masks)):
        if places[h] < end:
            main |= masks[h]
            if head >= 0 and (masks[h] >> head) & 1:
                row[HEAD_TO_END] = end - 1 - places[h]
        else:
            after |= masks[h]
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
    table, counted_filled, group(i4, i4, f4), i4, i1, group(whole, whole, whole), i8,
    group(i4, i4, i4, whole), field, lengths_filled,
)  # fmt: skip
def fill(
    out: Table,
    counted: Counted,
    accepted: tuple[Ints, Ints, Singles],
    sequence: Ints,
    roles: Bytes,
    special: tuple[int, int, int],
    refused: Longs,
    helpers: tuple[Ints, Ints, Ints, int],
    field: Field,
    room: Longs,
) -> None:
    """Fills a table that holds NaN, one row a candidate, columns as in `rankers.features.titles`,
    and the frequency and best weight of slots, which hold zeros, and the titles' words. `room` is
    for a place and a mask of each of `LONGEST` words, a place for every slot, and a length for
    every word of `sequence`. For the other arguments see `rankers.features.coding.CodedQuery`."""
    tf, best, lengths = counted
    keys, slots, weights = accepted
    markers, refusing, articles, free = helpers
    lenient, head, opening = special
    telling, purpose = _mask_of(roles, CONTENT), _mask_of(roles, PURPOSE)
    start = len(room) - len(sequence)
    first, runs = room[2 * LONGEST : start], room[start:]
    codes, _, spans = field
    query, refusals = (keys, slots, weights, _bloom(keys), lenient), (refusing, articles, free)
    marks = markers, _bloom(markers)
    for i in range(len(out)):
        words = codes[spans[0, i] : min(spans[1, i], spans[0, i] + LONGEST)]
        lengths[i] = len(words)
        if not len(words):
            continue
        hits = room[:LONGEST], room[LONGEST : 2 * LONGEST]
        kept, end, denied = _read(words, query, marks, refusals, hits, best[i], tf[i])
        hits = hits[0][:kept], hits[1][:kept]
        everything = _first_places(hits, first)
        _order(out[i], len(words), hits, sequence, telling, first, runs)
        _kind(out[i], hits, end, (head, opening), telling, purpose)
        out[i, REFUSED] = _phrases(everything, refused)
        out[i, DENIED] = _phrases(denied, refused)
