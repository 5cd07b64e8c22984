"""The table of the words of a query in the texts of candidates."""

from __future__ import annotations

import numpy as np
from numba import njit, types

from rankers.features.coding import CODE, CONTENT, MOST_SLOTS, NUMBER, PURPOSE
from rankers.features.kernels.bags import bm25, helper, look_up, rarity, share
from rankers.features.kernels.titles import (
    LONGEST,
    bits,
    first_places,
    in_order,
    longest_run,
    main_part,
    phrases,
    read,
    title_of,
    window,
)
from rankers.features.kernels.types import f4, i1, i4, i8, nothing, table, text, whole

(
    TITLE_BM25, DESCRIPTION_BM25, DETAILS_BM25, TITLE_SHARE, TITLE_WEIGHT, TEXT_SHARE, TEXT_WEIGHT,
    DETAILS_WEIGHT, EVERY_WORD, PRECISION, RUN, ORDER, FIRST_PLACE, DENSITY, PHRASE, EQUAL, HEAD,
    HEAD_TO_END, HEAD_BEYOND, FIRST, BEYOND, FOR, FOR_BEYOND, NUMBERS, CODES, REFUSED,
    REFUSED_ELSEWHERE, DENIED,
) = range(28)  # fmt: skip
"""Columns, in the order of `rankers.features.words.FEATURES`."""


@helper
def _order(row, words, masks, sequence, telling, first, lengths):  # type: ignore[no-untyped-def]
    """What the places of the words tell."""
    found, matched = 0, 0
    for mask in masks:
        matched += mask != 0
        found |= mask & telling
    row[PRECISION] = matched / len(words)
    longest = longest_run(masks, sequence, lengths)
    row[RUN] = longest / len(sequence)
    row[PHRASE] = longest == len(sequence)
    row[EQUAL] = longest == len(sequence) and len(words) == len(sequence)
    row[ORDER] = in_order(first, sequence)
    if not found:
        return
    place = 0
    while not masks[place] & telling:
        place += 1
    row[FIRST_PLACE] = place
    row[DENSITY] = bits(found) / window(masks, found, first)


@helper
def _kind(row, masks, end, head, opening, telling, purpose):  # type: ignore[no-untyped-def]
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
        row[BEYOND] = bits(only_after & ~purpose) / bits(found & ~purpose)
    if purpose:
        row[FOR_BEYOND] = bits(only_after & purpose) / bits(purpose)


@helper
def _anywhere(row, best, roles, idf):  # type: ignore[no-untyped-def]
    """What of the query any text has."""
    ones = np.ones(len(idf))
    row[TEXT_SHARE] = share(best, roles, CONTENT, ones)
    row[TEXT_WEIGHT] = share(best, roles, CONTENT, idf)
    row[FOR] = share(best, roles, PURPOSE, idf)
    row[CODES] = share(best, roles, CODE, ones)
    every = 1
    for slot in range(len(roles)):
        if roles[slot] and best[slot] <= 0:
            every = 0
    row[EVERY_WORD] = every


@helper
def _masked(best):  # type: ignore[no-untyped-def]
    mask = 0
    for slot in range(len(best)):
        if best[slot] > 0:
            mask |= 1 << slot
    return mask


@helper
def _mask_of(roles, role):  # type: ignore[no-untyped-def]
    mask = 0
    for slot in range(len(roles)):
        if roles[slot] & role:
            mask |= 1 << slot
    return mask


_FIELD = types.Tuple(text)


@njit(
    nothing(
        table, i4, types.Tuple((i4, i4, f4)), i4, i1, whole, whole, whole, i8,
        types.Tuple((i4, i4, i4, whole)), _FIELD, _FIELD, _FIELD,
    ),
    nogil=True, cache=True, error_model="numpy",
)  # fmt: skip
def fill(  # type: ignore[no-untyped-def]
    out, ordinals, accepted, sequence, roles, lenient, head, opening, refused, helpers,
    title, description, details,
) -> None:  # fmt: skip
    """Fills a table that holds NaN, one row a candidate; for the arguments see
    `rankers.features.coding.CodedQuery`."""
    keys, slots, weights = accepted
    markers, refusing, articles, free = helpers
    bloom = 0
    for key in keys:
        bloom |= 1 << (key & 63)
    idf = np.empty((4, MOST_SLOTS))
    rarity(keys, slots, title[6], len(title[2]) - 1, idf[0])
    rarity(keys, slots, description[6], len(title[2]) - 1, idf[1])
    rarity(keys, slots, details[6], len(title[2]) - 1, idf[2])
    idf[3] = np.minimum(np.minimum(idf[0], idf[1]), idf[2])
    ones = np.ones(MOST_SLOTS)
    telling, purpose = _mask_of(roles, CONTENT), _mask_of(roles, PURPOSE)
    masks = np.empty(LONGEST, np.int64)
    first, lengths = np.empty(MOST_SLOTS, np.int64), np.empty(len(sequence), np.int64)
    best, tf, anywhere = np.empty(MOST_SLOTS), np.empty(MOST_SLOTS), np.empty(MOST_SLOTS)
    query, refusals = (keys, slots, weights, bloom, lenient), (refusing, articles, free)
    for i in range(len(ordinals)):
        row, r = out[i], ordinals[i]
        words = title_of(title, r)
        known = len(words)
        anywhere[:] = 0
        if len(words):
            found = masks[: len(words)]
            denied = read(words, query, refusals, found, best, tf)
            first_places(found, first)
            row[TITLE_BM25] = bm25(tf, idf[0], roles, len(words), title[7])
            row[TITLE_SHARE] = share(best, roles, CONTENT, ones)
            row[TITLE_WEIGHT] = share(best, roles, CONTENT, idf[3])
            row[NUMBERS] = share(best, roles, NUMBER, ones)
            end = main_part(words, markers)
            _order(row, words, found, sequence, telling, first, lengths)
            _kind(row, found, end, head, opening, telling, purpose)
            row[REFUSED] = phrases(_masked(best), refused)
            row[DENIED] = phrases(denied, refused)
            anywhere[:] = best
        elsewhere = 0
        length = look_up(description, r, keys, slots, weights, best, tf)
        if length:
            known += length
            elsewhere |= _masked(best)
            row[DESCRIPTION_BM25] = bm25(tf, idf[1], roles, length, description[7])
            anywhere[:] = np.maximum(anywhere, best)
        length = look_up(details, r, keys, slots, weights, best, tf)
        if length:
            known += length
            elsewhere |= _masked(best)
            row[DETAILS_BM25] = bm25(tf, idf[2], roles, length, details[7])
            row[DETAILS_WEIGHT] = share(best, roles, CONTENT, idf[3])
            anywhere[:] = np.maximum(anywhere, best)
        if known:
            row[REFUSED_ELSEWHERE] = phrases(elsewhere, refused)
            _anywhere(row, anywhere, roles, idf[3])
