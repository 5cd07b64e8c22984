"""Orders other than relevance: by popularity, price, rating or age, from the columns alone.

Unknown values come last, and ties are in the order of ordinals.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from search.seams import Columns
from search.types import Ordinals, Sort

KEYS: Mapping[Sort, tuple[tuple[str, int], ...]] = {
    "relevance": (("sales_rank", 1), ("rating_count", -1)),
    "price_asc": (("price", 1),),
    "price_desc": (("price", -1),),
    "rating": (("rating", -1),),
    "newest": (("created", -1),),
}
"""The columns each order compares, most significant first, and 1 for ascending, -1 for
descending. Without words to be relevant to, relevance is popularity."""


def in_order(ordinals: Ordinals, sort: Sort, columns: Columns) -> Ordinals:
    """The same ordinals, sorted; NaN sorts last whatever the direction."""
    keys: list[NDArray[np.generic]] = [ordinals]
    for name, direction in reversed(KEYS[sort]):
        keys.append(np.take(columns.numbers(name), ordinals) * np.float32(direction))
    return ordinals[np.lexsort(keys)]
