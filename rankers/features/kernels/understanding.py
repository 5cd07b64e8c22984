"""Whether candidates agree with what was understood, and with the best of them."""

from __future__ import annotations

import math

import numpy as np

from rankers.features.kernels.types import (
    Flags,
    Ints,
    Singles,
    Table,
    f4,
    flags,
    group,
    helper,
    i4,
    ints_filled,
    kernel,
    number,
    table,
)

(
    MEASURES, MEASURES_CONFLICT, PRICE_WITHIN, PRICE_BEYOND, PRICE_PREFERENCE, PROBABILITY, IN_BEST,
    CATEGORY_SHARE, BRAND_SHARE,
) = range(14, 23)  # fmt: skip
"""Columns, in the order of `rankers.features.understanding.FEATURES`."""
_CONFLICTS = 7
"""The first columns are of agreement with each kind of entity, and so many further on of conflict
with the same kind."""
_CENT = 0.01


@helper
def _entities(
    row: Singles, i: int, holds: Flags, kinds: Ints, sure: Singles, states: Flags
) -> None:
    """Several values of one type are alternatives (`black or white`): the surest counts."""
    for e in range(len(kinds)):
        kind = kinds[e]
        has = sure[e] if holds[e, i] else np.float32(0)
        row[kind] = has if math.isnan(row[kind]) else max(row[kind], has)
    for e in range(len(kinds)):
        kind = kinds[e]
        if states[e, i]:
            conflict = sure[e] if row[kind] == 0 else np.float32(0)
            before = row[_CONFLICTS + kind]
            row[_CONFLICTS + kind] = conflict if math.isnan(before) else max(before, conflict)


@helper
def _categories(row: Singles, i: int, holds: Flags, first: int, likely: Singles) -> None:
    row[PROBABILITY] = 0
    row[IN_BEST] = holds[first, i]
    for c in range(len(likely)):
        if holds[first + c, i]:
            row[PROBABILITY] = max(row[PROBABILITY], likely[c])


@helper
def _measures(row: Singles, i: int, holds: Flags, first: int) -> None:
    """Pairs of flags: whether a product has the measure, and whether any of the dimension."""
    has, other, pairs = 0, 0, (len(holds) - first) // 2
    for m in range(first, len(holds), 2):
        has += holds[m, i]
        other += holds[m + 1, i] and not holds[m, i]
    row[MEASURES] = has / pairs
    row[MEASURES_CONFLICT] = other / pairs


@helper
def _price(row: Singles, price: float, usual: float, low: float, high: float, wish: float) -> None:
    if math.isnan(price):
        return
    cost = max(price, _CENT)
    if not (math.isnan(low) and math.isnan(high)):
        beyond = 0.0
        if high > 0:
            beyond = max(beyond, math.log(cost / high))
        if low > 0:
            beyond = max(beyond, math.log(low / cost))
        row[PRICE_BEYOND] = beyond
        row[PRICE_WITHIN] = beyond <= 0
    if wish != 0 and usual > 0:
        row[PRICE_PREFERENCE] = wish * math.log(cost / usual)


@helper
def _shares(
    out: Table, column: int, ordinals: Ints, scores: Singles, codes: Ints, own: Ints
) -> None:
    """The score-weighted share of the first `len(scores)` candidates that have each one's code,
    itself left out. NaN where its code is unknown."""
    best = len(scores)
    total = 0.0
    for i in range(len(ordinals)):  # all at once: the processor then fetches many rows
        own[i] = codes[ordinals[i]]
    for j in range(best):
        total += scores[j]
    for i in range(len(ordinals)):
        code = own[i]
        left = total - scores[i] if i < best else total
        if code < 0 or left <= 0:
            continue
        same = 0.0
        for j in range(best):
            if own[j] == code and i != j:
                same += scores[j]
        out[i, column] = same / left


@kernel(
    table, i4, flags, i4, f4, f4, flags, group(i4, i4), f4, f4, group(number, number, number), f4,
    ints_filled,
)  # fmt: skip
def fill(
    out: Table,
    ordinals: Ints,
    holds: Flags,
    kinds: Ints,
    sure: Singles,
    likely: Singles,
    states: Flags,
    codes: tuple[Ints, Ints],
    prices: Singles,
    usual: Singles,
    wish: tuple[float, float, float],
    scores: Singles,
    room: Ints,
) -> None:
    """Fills a table that holds NaN, one row a candidate.

    `holds` has a row for every entity, likely category, and two for every measure; `kinds` are the
    entities' columns, `sure` and `likely` probabilities; `states` says for every entity who has any
    value in its field. `codes` are brands and categories by ordinal, `prices` too; `usual` is the
    median price by category, the catalogue's last. `wish` is the least and the highest price, NaN
    without, and -1 for cheap ones, 1 for dear ones. `scores` are those of the first candidates, for
    shares, and `room` is for a code of each candidate.
    """
    brands, categories = codes
    low, high, preference = wish
    entities = len(kinds)
    for i in range(len(ordinals)):
        row, r = out[i], ordinals[i]
        if entities:
            _entities(row, i, holds, kinds, sure, states)
        if len(likely):
            _categories(row, i, holds, entities, likely)
        if len(holds) > entities + len(likely):
            _measures(row, i, holds, entities + len(likely))
        if not (math.isnan(low) and math.isnan(high) and preference == 0):
            code = categories[r]
            middle = usual[code] if 0 <= code < len(usual) - 1 else usual[-1]
            if math.isnan(middle):
                middle = usual[-1]
            _price(row, prices[r], middle, low, high, preference)
    _shares(out, CATEGORY_SHARE, ordinals, scores, categories, room)
    _shares(out, BRAND_SHARE, ordinals, scores, brands, room)
