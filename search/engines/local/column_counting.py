"""Counting by numpy over the columns: products chosen by filters alone, without words.

Much cheaper than aggregations when most of a large catalogue is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search.engines.local.columns import SEPARATOR, ColumnsView, Dictionary
from search.engines.local.filters import FILTERS, FilterIndex
from search.engines.local.tally import RATINGS, VALUES, Asked, Bounds, Counting, Tally
from search.types import Filters, Mask

Rows = NDArray[np.intp] | slice


class Chosen(Protocol):
    """Who is counted: `search.engines.local.masks.MaskCache` for all products."""

    def of(self, filters: Filters) -> Mask:
        """The products that satisfy filters."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnCounting:
    """Counts every product that satisfies filters; implements `tally.Counting`.

    `others` counts what has no column: attributes.
    """

    index: FilterIndex
    masks: Chosen
    others: Counting

    def count(self, filters: Filters, asked: Asked) -> Tally:
        """One pass over a column for each of its facets."""
        mask = self.masks.of(filters)
        total = int(np.count_nonzero(mask))
        rows = slice(None) if total == len(mask) else np.flatnonzero(mask)
        values = {name: self._values(name, named, rows) for name, named in _columns(asked)}
        bounds = {n: self._bounds(n, rows) for n in ("price", "rating") if n in asked}
        found = Tally(total, values, bounds)
        others = {name: named for name, named in asked.items() if name not in FILTERS}
        return found.joined(self.others.count(filters, others)) if others else found

    def _values(self, name: str, named: Sequence[str], rows: Rows) -> dict[str, int]:
        columns = self.index.columns
        if name == "price":
            return {}
        if name == "rating":
            ratings = columns.numbers(name)[rows]
            return {str(least): int(np.count_nonzero(ratings >= least)) for least in RATINGS}
        if name == "in_stock":
            stock = columns.numbers("stock")[rows]
            out = int(np.count_nonzero(stock <= 0))
            return {"true": len(stock) - out, "false": out}
        dictionary, counts = self.index.dictionaries[name], _code_counts(columns, name, rows)
        if name == "category":
            return {path: _below(path, dictionary, counts) for path in named}
        return _most_frequent(counts, columns.values(name)) | {
            value: _count_of(value, dictionary, counts) for value in named
        }

    def _bounds(self, name: str, rows: Rows) -> Bounds:
        numbers = self.index.columns.numbers(name)[rows]
        low = float(np.fmin.reduce(numbers, initial=np.nan))
        if np.isnan(low):
            return None, None
        return low, float(np.fmax.reduce(numbers, initial=np.nan))


def _columns(asked: Asked) -> list[tuple[str, Sequence[str]]]:
    return [(name, named) for name, named in asked.items() if name in FILTERS]


def _code_counts(columns: ColumnsView, name: str, rows: Rows) -> NDArray[np.intp]:
    """Products by code, shape (values of the view,)."""
    codes = columns.codes(name)[rows]
    # Shifted by one, so that unknown (-1) is counted too, and then left out.
    return np.bincount(codes + 1, minlength=len(columns.values(name)) + 1)[1:]


def _most_frequent(counts: NDArray[np.intp], values: Sequence[str]) -> dict[str, int]:
    best = np.argsort(-counts, kind="stable")[:VALUES].tolist()
    return {values[code]: int(counts[code]) for code in best}


def _count_of(value: str, dictionary: Dictionary, counts: NDArray[np.intp]) -> int:
    """Later changes may have added values that this view does not have."""
    code = dictionary.code(value)
    return 0 if code is None or code >= len(counts) else int(counts[code])


def _below(path: str, dictionary: Dictionary, counts: NDArray[np.intp]) -> int:
    """Products in a category or anywhere below it."""
    run, later = dictionary.prefixed(path + SEPARATOR)
    below = int(counts[run.start : run.stop].sum())
    known = [code for code in later if code < len(counts)]
    return _count_of(path, dictionary, counts) + below + int(counts[known].sum())
