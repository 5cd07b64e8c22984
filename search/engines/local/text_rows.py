"""The texts of every product as one row of numbers: what rankers read of a candidate lies together,
a few lines of the processor's cache instead of one here and there for every field.

A row is int32: the lengths of its fields in the order of `FIELDS`, two in a number, the first in
the lower half; the codes of each field; and a byte for each code of the fields that are bags of
words, how often it occurs. `texts/` holds `rows.npy`, and in `rows.offsets.npy` (int64) where each
begins and the last ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import ArrayFile, GrowingArray, Scalar, load
from search.engines.local.separate_texts import (
    FIELDS,
    ORDERED,
    Codes,
    Copied,
    SeparateField,
)
from search.types import Ordinals, Text

ROWS, OFFSETS = "rows.npy", "rows.offsets.npy"
HEADER = len(FIELDS) // 2
"""Numbers before the codes of a row."""
_AT_ONCE = 1 << 14
"""Products whose rows are made in one step: a few MB."""


def packed(fields: Mapping[Text, Codes]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The rows of some products, one behind another, and how long each is."""
    lengths = np.array([fields[name].lengths for name in FIELDS])
    bags = [place for place, name in enumerate(FIELDS) if name not in ORDERED]
    sizes = HEADER + lengths.sum(0) + (lengths[bags].sum(0) + 3) // 4
    at = np.cumsum(sizes) - sizes
    rows = np.zeros(int(sizes.sum()), np.int32)
    for half in range(HEADER):
        rows[at + half] = lengths[2 * half] | lengths[2 * half + 1] << 16
    at = at + HEADER
    for name in FIELDS:
        at = _put(rows, at, fields[name].codes, fields[name].lengths)
    at = 4 * at
    for place in bags:
        counted = fields[FIELDS[place]]
        at = _put(rows.view(np.uint8), at, counted.counts, counted.lengths)
    return rows, sizes


def _put(
    rows: NDArray[Scalar],
    starts: NDArray[np.int64],
    values: NDArray[Scalar],
    lengths: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Puts the values of each product at its place; returns where they end."""
    before = np.cumsum(lengths) - lengths
    rows[np.repeat(starts - before, lengths) + np.arange(len(values))] = values
    return starts + lengths


def write_rows(directory: Path) -> None:
    """Writes the rows of a snapshot from its fields' own files (see `separate_texts`), in whose
    place they stand. A few MB are in memory."""
    fields = {name: SeparateField(directory, name) for name in FIELDS}
    rows = ArrayFile(directory / ROWS, np.int32)
    sizes: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]
    for start in range(0, len(fields[FIELDS[0]]), _AT_ONCE):
        found = {name: each.between(start, start + _AT_ONCE) for name, each in fields.items()}
        block, lengths = packed(found)
        rows.append(block)
        sizes.append(lengths)
    rows.finish()
    np.save(directory / OFFSETS, np.cumsum(np.concatenate(sizes)))
    for each in fields.values():
        each.remove()


class RowStore:
    """The rows of a snapshot's own products, and those appended by live changes."""

    def __init__(self, directory: Path) -> None:
        """Maps the files of `RowsWriter`."""
        self._own: NDArray[np.int32] = load(directory / ROWS)
        self._offsets: NDArray[np.int64] = load(directory / OFFSETS)
        self._later = GrowingArray(np.empty(0, np.int32))
        self._later_offsets = GrowingArray(np.zeros(1, np.int64))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def append(self, fields: Mapping[Text, Codes]) -> None:
        """Adds the rows of new ordinals; earlier views do not change."""
        rows, sizes = packed(fields)
        end = len(self._later)
        self._later.append(rows)
        self._later_offsets.append(end + np.cumsum(sizes))

    def view(self) -> RowsView:
        """All rows there are at this moment."""
        later = self._later.rows(len(self._later))
        offsets = self._later_offsets.rows(len(self._later_offsets))
        return RowsView(self._own, self._offsets, later, offsets)


@cache
def _row_spans() -> ModuleType:
    """Imported once, where texts are read: numba takes a second."""
    from search.engines.local import row_spans

    return row_spans


class RowsView:
    """The rows of one view."""

    def __init__(
        self,
        own: NDArray[np.int32],
        offsets: NDArray[np.int64],
        later: NDArray[np.int32],
        later_offsets: NDArray[np.int64],
    ) -> None:
        self._rows = own, offsets, later, later_offsets
        self._bytes = own.view(np.uint8)

    def of(self, ordinals: Ordinals) -> list[Copied]:
        """The fields of some products, in the order of `FIELDS`: where they lie, or with live
        changes among them copied."""
        row_spans = _row_spans()
        own, offsets, _, later_offsets = self._rows
        rows, counts = own, self._bytes
        spans = np.empty((len(FIELDS), 3, len(ordinals)), np.int64)
        if len(later_offsets) == 1 or (ordinals < len(offsets) - 1).all():
            row_spans.locate(own, offsets, ordinals, spans)
        else:
            ends = np.empty(len(ordinals), np.int64)
            row_spans.measure(*self._rows, ordinals, ends)
            rows = np.empty(ends[-1], np.int32)
            row_spans.copy(*self._rows, ordinals, ends, rows, spans)
            counts = rows.view(np.uint8)
        return [(rows, counts, each) for each in spans]
