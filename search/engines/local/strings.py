"""A sorted table of distinct strings in two memory-mapped files: a code is a string's place.

Opening costs nothing whatever the size, and looking a string up is a binary search over UTF-8
bytes, whose order is the order of the strings.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import load

_KEPT = 4096
"""Look-ups kept for each table: of large ones, each reads twenty places all over the file."""
_CHOSEN = 512
"""Sets of strings whose codes are kept for each table: a request asks for the same ones twice, and
others soon again."""


class StringTable(Sequence[str]):
    """Distinct strings in ascending order; strings are decoded when they are asked for."""

    def __init__(self, content: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self._content, self._offsets = content.data, offsets.data
        self._place = lru_cache(_KEPT)(partial(_place, self._content, self._offsets))
        self._chosen = lru_cache(_CHOSEN)(
            partial(_chosen, self._content, self._offsets, self._place)
        )

    @classmethod
    def open(cls, stem: Path) -> StringTable:
        """Maps `<stem>.strings.npy` and `<stem>.offsets.npy`."""
        return cls(load(Path(f"{stem}.strings.npy")), load(Path(f"{stem}.offsets.npy")))

    @classmethod
    def of(cls, ascending: Iterable[str]) -> StringTable:
        """A table in memory; `ascending` must be sorted and distinct."""
        return cls(*_pack(ascending))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._bytes(index % len(self)).decode()

    def _bytes(self, code: int) -> bytes:
        return _string(self._content, self._offsets, code)

    def place(self, text: str) -> int:
        """How many strings sort before `text`."""
        return self._place(text.encode())

    def code(self, text: str) -> int | None:
        """The code of a string, None when it is not in the table."""
        place = self.place(text)
        return place if place < len(self) and self._bytes(place) == text.encode() else None

    def chosen(self, texts: tuple[str, ...], below: str | None) -> NDArray[np.int32]:
        """The codes of those of some strings that are in the table, and unless `below` is None of
        all that go on with it after one of them, int32; some may come twice. Not to be written."""
        return self._chosen(texts, below)

    def prefixed(self, prefix: str) -> range:
        """The codes of all strings that begin with `prefix`."""
        return _prefixed(self._place, prefix)


def _string(content: memoryview, offsets: memoryview, code: int) -> bytes:
    return bytes(content[offsets[code] : offsets[code + 1]])


def _place(content: memoryview, offsets: memoryview, text: bytes) -> int:
    return bisect_left(range(len(offsets) - 1), text, key=partial(_string, content, offsets))


def _prefixed(place: Callable[[bytes], int], prefix: str) -> range:
    start = prefix.encode()
    return range(place(start), place(start + b"\xff"))


def _chosen(
    content: memoryview,
    offsets: memoryview,
    place: Callable[[bytes], int],
    texts: tuple[str, ...],
    below: str | None,
) -> NDArray[np.int32]:
    known, found = len(offsets) - 1, []
    for text in texts:
        at = place(encoded := text.encode())
        if at < known and _string(content, offsets, at) == encoded:
            found.append(at)
        if below is not None:
            found += _prefixed(place, text + below)
    return np.array(found, np.int32)


def write_strings(stem: Path, ascending: Iterable[str]) -> None:
    """Writes a `StringTable`; `ascending` must be sorted and distinct."""
    content, offsets = _pack(ascending)
    np.save(f"{stem}.strings.npy", content)
    np.save(f"{stem}.offsets.npy", offsets)


def _pack(ascending: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    encoded = [text.encode() for text in ascending]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets
