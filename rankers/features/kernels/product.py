"""What catalogue columns say of candidates."""

from __future__ import annotations

import math

import numpy as np

from rankers.features.kernels.types import (
    Ints,
    Singles,
    Spans,
    Table,
    f4,
    group,
    helper,
    i4,
    kernel,
    number,
    singles_filled,
    spans,
    table,
)

_RATINGS = 10.0
"""A rating counts as if so many average ones had been given as well (a Bayesian average)."""
_CENT = 0.01


@helper
def _take(column: Singles, ordinals: Ints, taken: Singles) -> None:
    """Column by column: the processor then fetches many rows at once."""
    for i in range(len(ordinals)):
        taken[i] = column[ordinals[i]]


@helper
def _lengths(spans: Spans, out: Singles) -> None:
    """The words of a text; NaN without any."""
    for i in range(len(out)):
        out[i] = spans[1, i] - spans[0, i]
        if out[i] == 0:
            out[i] = np.nan


@helper
def _prices(out: Table, listed: Singles, ordinals: Ints, category: Ints, usual: Singles) -> None:
    """Fills what derives from prices, which stand in the first column."""
    for i in range(len(ordinals)):
        price, code = out[i, 0], category[ordinals[i]]
        if math.isnan(price):
            continue
        cost = max(price, np.float32(_CENT))
        middle = usual[code] if 0 <= code < len(usual) - 1 else np.float32(np.nan)
        if math.isnan(middle):
            middle = usual[-1]
        out[i, 1] = math.log(cost)
        out[i, 2] = math.log(cost / middle) if middle > 0 else np.nan
        if listed[i] > 0:
            out[i, 3] = max(1 - price / listed[i], np.float32(0))


@kernel(
    table,
    i4,
    f4,
    f4,
    f4,
    f4,
    f4,
    f4,
    f4,
    f4,
    i4,
    f4,
    number,
    number,
    group(spans, spans),
    singles_filled,
)
def fill(
    out: Table,
    ordinals: Ints,
    price: Singles,
    list_price: Singles,
    rating: Singles,
    ratings: Singles,
    sales_rank: Singles,
    stock: Singles,
    created: Singles,
    image: Singles,
    category: Ints,
    usual: Singles,
    average: float,
    today: float,
    texts: tuple[Spans, Spans],
    listed: Singles,
) -> None:
    """Fills a table that holds NaN, one row a candidate, columns as in `rankers.features.product`.
    `usual` is the median price by category, the catalogue's in its last place; `texts` are the
    spans of titles and of descriptions, and `listed` is room for a number a candidate."""
    _take(price, ordinals, out[:, 0])
    _take(list_price, ordinals, listed)
    _take(rating, ordinals, out[:, 4])
    _take(ratings, ordinals, out[:, 5])
    _take(sales_rank, ordinals, out[:, 6])
    _take(created, ordinals, out[:, 7])
    _take(stock, ordinals, out[:, 8])
    _take(image, ordinals, out[:, 9])
    _lengths(texts[0], out[:, 10])
    _lengths(texts[1], out[:, 11])
    _prices(out, listed, ordinals, category, usual)
    for row in out:
        if not math.isnan(row[4]):
            given = np.float32(1.0) if math.isnan(row[5]) else row[5]
            row[4] = (row[4] * given + average * _RATINGS) / (given + _RATINGS)
        row[5] = math.log(1 + row[5])
        row[6] = math.log(1 + row[6])
        row[7] = max(today - row[7], 0.0) if not math.isnan(row[7]) else np.nan
        if not math.isnan(row[8]):
            row[8] = row[8] > 0
