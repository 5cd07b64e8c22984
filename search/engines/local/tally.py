"""What facets are made of: numbers of products by value, whoever counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.types import Filters

VALUES = 50
"""The most values of one facet, beside those that are named."""
ATTRIBUTE_NAMES = "attribute_names"
"""Asked for like a facet: how many products have each attribute."""
RATINGS = (4, 3, 2, 1)
"""A rating counts for every step that it reaches."""

Bounds = tuple[float | None, float | None]
Asked = Mapping[str, Sequence[str]]
"""The facets to count, and the values of each that must be counted however rare they are: for
`category` those alone, for others beside the `VALUES` most frequent."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Exact counts over some products: their number, and by facet, products by value (values
    without products may be missing), and the least and the greatest number."""

    total: int
    values: Mapping[str, Mapping[str, int]]
    bounds: Mapping[str, Bounds]

    def joined(self, other: Tally) -> Tally:
        """This and other facets of the same products."""
        return Tally(self.total, {**self.values, **other.values}, {**self.bounds, **other.bounds})


class Counting(Protocol):
    """Counts over one result set."""

    def count(self, filters: Filters, asked: Asked) -> Tally:
        """Counts those of the results that satisfy `filters`.

        Raises:
            BadInput: a filter is wrong.
        """
        ...
