"""What catalogue columns say of candidates."""

from __future__ import annotations

import math

import numpy as np

from rankers.features.kernels.types import (
    Ints,
    Longs,
    Singles,
    Table,
    f4,
    group,
    i4,
    i8,
    kernel,
    number,
    table,
)

_RATINGS = 10.0
"""A rating counts as if so many average ones had been given as well (a Bayesian average)."""
_CENT = 0.01


@kernel(table, i4, f4, f4, f4, f4, f4, f4, f4, f4, i4, f4, number, number, group(i8, i8, i8, i8))
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
    offsets: tuple[Longs, Longs, Longs, Longs],
) -> None:
    """Fills a table that holds NaN, one row a candidate, columns as in `rankers.features.product`.
    `usual` is the median price by category, the catalogue's in its last place."""
    title, later_title, description, later_description = offsets
    base = len(title) - 1
    for i in range(len(ordinals)):
        row, r = out[i], ordinals[i]
        cost, code = max(price[r], np.float32(_CENT)), category[r]
        middle = usual[code] if 0 <= code < len(usual) - 1 else np.float32(np.nan)
        if math.isnan(middle):
            middle = usual[-1]
        row[0] = price[r]
        if not math.isnan(price[r]):
            row[1] = math.log(cost)
            row[2] = math.log(cost / middle) if middle > 0 else np.nan
            if list_price[r] > 0:
                row[3] = max(1 - price[r] / list_price[r], np.float32(0))
        if not math.isnan(rating[r]):
            given = 1.0 if math.isnan(ratings[r]) else ratings[r]
            row[4] = (rating[r] * given + average * _RATINGS) / (given + _RATINGS)
        row[5] = math.log1p(ratings[r])
        row[6] = math.log1p(sales_rank[r])
        row[7] = max(today - created[r], 0.0) if not math.isnan(created[r]) else np.nan
        if not math.isnan(stock[r]):
            row[8] = stock[r] > 0
        row[9] = image[r]
        if r < base:
            row[10] = title[r + 1] - title[r]
            length = description[r + 1] - description[r]
        else:
            row[10] = later_title[r - base + 1] - later_title[r - base]
            length = later_description[r - base + 1] - later_description[r - base]
        row[11] = length if length else np.nan
