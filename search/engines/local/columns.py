"""Per-document values by ordinal: memory-mapped arrays, and the rows of live changes after them.

`columns/` holds `<number>.npy` (float32, NaN where unknown), `<code>.npy` (int32, -1 where
unknown) and, for each code, the sorted strings it stands for.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import GrowingArray, load
from search.engines.local.layout import stamp
from search.engines.local.statistics import (
    category_prices,
    extended,
    read_statistics,
    write_statistics,
)
from search.engines.local.strings import StringTable, write_strings
from search.types import Product, Statistics

NUMBERS = (
    *("price", "list_price", "rating", "rating_count", "sales_rank", "stock", "created"),
    *("image", "title_length", "description_length"),
)
CODES = ("brand", "color", "category", "group")
SEPARATOR = " > "
"""Between the levels of a category path."""
_EPOCH = date(1970, 1, 1)
_SINGLE = struct.Struct("f")
_LARGEST = 3.4e38


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One product's values: `numbers` in the order of `NUMBERS` (NaN where unknown), `strings` in
    the order of `CODES` (None where unknown)."""

    numbers: tuple[float, ...]
    strings: tuple[str | None, ...]


def column_row(product: Product) -> ColumnRow:
    """The values of a product's columns, for a build and for live changes alike."""
    created = None if product.created is None else (product.created - _EPOCH).days
    found = (
        product.price,
        product.list_price,
        product.rating,
        product.rating_count,
        product.sales_rank,
        product.stock,
        created,
        product.image is not None,
        len(product.title),
        len(product.description),
    )
    numbers = tuple(_finite(value) for value in found)
    category = SEPARATOR.join(product.category) or None
    return ColumnRow(numbers, (product.brand, product.color, category, product.group))


def _finite(value: float | None) -> float:
    """The value rounded to float32, NaN when it is unknown or beyond float32."""
    if value is None or not abs(value) <= _LARGEST:
        return math.nan
    # Adding zero makes -0.0 the 0.0 that it equals: tantivy would order them.
    rounded: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    return rounded + 0.0


class ColumnsWriter:
    """Collects the columns of a snapshot; 56 bytes a product until `finish`."""

    def __init__(self) -> None:
        self._numbers = {name: array("f") for name in NUMBERS}
        self._codes = {name: array("i") for name in CODES}
        self._strings: dict[str, dict[str, int]] = {name: {} for name in CODES}

    def add(self, product: Product) -> None:
        """Appends the next ordinal's row."""
        row = column_row(product)
        for name, number in zip(NUMBERS, row.numbers, strict=True):
            self._numbers[name].append(number)
        for name, text in zip(CODES, row.strings, strict=True):
            known = self._strings[name]
            self._codes[name].append(-1 if text is None else known.setdefault(text, len(known)))

    def finish(self, directory: Path, version: str) -> None:
        """Writes everything into `directory`, which must not exist."""
        directory.mkdir(parents=True)
        for name, numbers in self._numbers.items():
            np.save(directory / f"{name}.npy", np.frombuffer(numbers, np.float32))
        for name, codes in self._codes.items():
            self._write_codes(directory, name, np.frombuffer(codes, np.int32))
        self._write_statistics(directory)
        stamp(directory, version)

    def _write_statistics(self, directory: Path) -> None:
        price, rating = (
            np.frombuffer(self._numbers[name], np.float32) for name in ("price", "rating")
        )
        paths = sorted(self._strings["category"])
        levels = [path.split(SEPARATOR) for path in paths]
        prices = category_prices(price, load(directory / "category.npy"), levels)
        write_statistics(directory, prices, price, rating)

    def _write_codes(self, directory: Path, name: str, codes: NDArray[np.int32]) -> None:
        known = self._strings[name]
        ascending = sorted(known)
        places = np.empty(len(known) + 1, np.int32)
        places[-1] = -1
        places[[known[text] for text in ascending]] = np.arange(len(known), dtype=np.int32)
        np.save(directory / f"{name}.npy", places[codes])
        write_strings(directory / name, ascending)


class Dictionary:
    """The strings a code column stands for: a sorted table, and those that came later."""

    def __init__(self, table: StringTable) -> None:
        self._table = table
        self._later: list[str] = []
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._table) + len(self._later)

    def add(self, text: str) -> int:
        """The string's code, a new one when it has none yet."""
        code = self.code(text)
        if code is None:
            code = self._codes[text] = len(self)
            self._later.append(text)
        return code

    def code(self, text: str) -> int | None:
        """The string's code, None when it has none."""
        found = self._table.code(text)
        return self._codes.get(text) if found is None else found

    def chosen(self, texts: tuple[str, ...], below: str | None = None) -> NDArray[np.int32]:
        """The codes of those of some strings that there are, and unless `below` is None of all that
        go on with it after one of them; some may come twice."""
        found = self._table.chosen(texts, below)
        if not self._later:
            return found
        later = [code for text in texts if (code := self._codes.get(text)) is not None]
        if below is not None:
            prefixes = tuple(text + below for text in texts)
            start = len(self._table)
            later += [start + i for i, text in enumerate(self._later) if text.startswith(prefixes)]
        return np.concatenate([found, np.array(later, np.int32)])

    def prefixed(self, prefix: str) -> tuple[range, list[int]]:
        """The codes of all strings that begin with `prefix`: a run of the table's, and later
        ones."""
        start = len(self._table)
        later = [start + i for i, text in enumerate(self._later) if text.startswith(prefix)]
        return self._table.prefixed(prefix), later

    def values(self) -> Sequence[str]:
        """All strings by code."""
        return Values(self._table, self._later, len(self))


class Values(Sequence[str]):
    """The strings of a `Dictionary` as they were at one moment."""

    def __init__(self, table: StringTable, later: list[str], length: int) -> None:
        self._table, self._later, self._length = table, later, length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -self._length <= index < self._length:
            raise IndexError(index)
        place = index % self._length
        known = len(self._table)
        return self._table[place] if place < known else self._later[place - known]


@dataclass(frozen=True, slots=True)
class ColumnsView:
    """The columns of one view; implements `search.seams.Columns`."""

    count: int
    _numbers: dict[str, NDArray[np.float32]]
    _codes: dict[str, NDArray[np.int32]]
    _values: dict[str, Sequence[str]]

    def numbers(self, name: str) -> NDArray[np.float32]:
        """Float32 of shape (count,), NaN where unknown."""
        return self._numbers[name]

    def codes(self, name: str) -> NDArray[np.int32]:
        """Int32 of shape (count,), -1 where unknown."""
        return self._codes[name]

    def values(self, name: str) -> Sequence[str]:
        """The strings that `codes(name)` index."""
        return self._values[name]


class ColumnStore:
    """A snapshot's columns and the rows appended by live changes."""

    def __init__(self, directory: Path) -> None:
        self._numbers = {name: GrowingArray(load(directory / f"{name}.npy")) for name in NUMBERS}
        self._codes = {name: GrowingArray(load(directory / f"{name}.npy")) for name in CODES}
        self._statistics = read_statistics(directory)
        self.dictionaries = {name: Dictionary(StringTable.open(directory / name)) for name in CODES}

    def __len__(self) -> int:
        return len(self._numbers[NUMBERS[0]])

    def append(self, products: Iterable[Product]) -> None:
        """Adds the rows of new ordinals; one thread at a time. Earlier views do not change."""
        rows = [column_row(product) for product in products]
        for i, name in enumerate(NUMBERS):
            self._numbers[name].append(np.array([row.numbers[i] for row in rows], np.float32))
        for i, name in enumerate(CODES):
            known = self.dictionaries[name]
            texts = [row.strings[i] for row in rows]
            codes = [-1 if text is None else known.add(text) for text in texts]
            self._codes[name].append(np.array(codes, np.int32))

    def statistics(self) -> Statistics:
        """What was usual when the snapshot was made, for the categories of this moment."""
        return extended(self._statistics, len(self.dictionaries["category"]))

    def view(self, count: int) -> ColumnsView:
        """The first `count` rows."""
        return ColumnsView(
            count,
            {name: column.rows(count) for name, column in self._numbers.items()},
            {name: column.rows(count) for name, column in self._codes.items()},
            {name: known.values() for name, known in self.dictionaries.items()},
        )
