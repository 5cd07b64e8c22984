"""SymSpell's own search over a dictionary that is mapped instead of loaded.

`symspellpy.SymSpell` keeps every word in one dict and every delete of its first seven letters in
another (Garbe, 1000x Faster Spelling Correction Algorithm, 2012): 300,000 words take 13 s and
600 MB. Its `lookup` only ever asks whether these hold a key and for its value, so here they are
mappings over files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
from editdistpy import damerau_osa
from numpy.typing import NDArray
from symspellpy import SymSpell
from symspellpy.abstract_distance_comparer import AbstractDistanceComparer
from symspellpy.editdistance import DistanceAlgorithm, EditDistance

from query.spelling import buckets

PREFIX, DISTANCE = 7, 2
_ID_BITS = 20
_CHECK_BITS = 32 - _ID_BITS
_ID_MASK = (1 << _ID_BITS) - 1
_CHECK_SHIFT = 8
_MOST_WORDS = 32
"""Words of one delete that are looked at, the most used first: `ae` has hundreds."""
MOST_TERMS = 1 << _ID_BITS


class _Distance(AbstractDistanceComparer):  # type: ignore[misc]  # symspellpy is not typed
    """The compiled distance, bound once (symspellpy's own imports it at every comparison)."""

    def distance(self, string_1: str, string_2: str, max_distance: int) -> int:
        """Optimal string alignment distance, -1 beyond `max_distance`."""
        found: int = damerau_osa.distance(string_1, string_2, max_distance)
        return found


class MappedSymSpell(SymSpell):  # type: ignore[misc]  # symspellpy is not typed
    """`lookup` of symspellpy over `counts` (word to frequency) and mapped deletes."""

    def __init__(self, counts: Mapping[str, int], deletes: Mapping[str, list[str]]) -> None:
        comparer = EditDistance(DistanceAlgorithm.USER_PROVIDED, _Distance())
        super().__init__(DISTANCE, PREFIX, distance_comparer=comparer)
        self._words = counts
        self._deletes = deletes
        self._max_length = 64


class Deletes(Mapping[str, list[str]]):
    """Which words a delete may come from; may name a wrong one, as SymSpell allows for."""

    def __init__(self, table: buckets.Buckets, word: Callable[[int], str]) -> None:
        self._table, self._word = table, word
        self._check_mask = (1 << _CHECK_BITS) - 1
        self._asked: tuple[str | None, list[int]] = None, []
        """The delete last asked about: `lookup` asks whether there is one, then for its words."""

    def __getitem__(self, delete: str) -> list[str]:
        asked, ids = self._asked
        if asked != delete:
            ids = self._ids(delete)
        if not ids:
            raise KeyError(delete)
        return [self._word(i) for i in ids]

    def __contains__(self, delete: object) -> bool:
        if not isinstance(delete, str):
            return False
        found = self._ids(delete)
        # Both in one assignment: other threads ask too.
        self._asked = delete, found
        return bool(found)

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError("deletes are kept as hashes; they cannot be listed")

    def __len__(self) -> int:
        return len(self._table.entries)

    def _ids(self, delete: str) -> list[int]:
        hashed = buckets.hash_one(int.from_bytes(delete.encode("latin-1", "replace"), "little"))
        check = hashed >> _CHECK_SHIFT & self._check_mask
        found = self._table.near(hashed)
        return [e & _ID_MASK for e in found if e >> _ID_BITS == check][:_MOST_WORDS]


def write_deletes(directory: Path, words: list[str], ids: NDArray[np.uint32]) -> None:
    """Writes the deletes of `words` (Latin-1 letters, most used first), each known by the id beside
    it."""
    hashes, entries = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)]
    ranks = [np.empty(0, np.int64)]
    lengths = np.array([min(len(word), PREFIX) for word in words], np.int64)
    for length in range(1, PREFIX + 1):
        rows = np.flatnonzero(lengths == length)
        letters = "".join(words[row][:length] for row in rows).encode("latin-1")
        matrix = np.frombuffer(letters, np.uint8).reshape(len(rows), length)
        hashed = np.stack([_hashed(matrix[:, kept]) for kept in _kept(length)], axis=1)
        hashed.sort(axis=1)
        # A double letter gives the same delete twice.
        place, column = np.nonzero(np.diff(hashed, axis=1, prepend=~hashed[:, :1]))
        hashes.append(hashed[place, column])
        entries.append(_check(hashes[-1]) << np.uint32(_ID_BITS) | ids[rows[place]])
        ranks.append(rows[place])
    order = np.argsort(np.concatenate(ranks), kind="stable")
    sorted_hashes, sorted_entries = np.concatenate(hashes)[order], np.concatenate(entries)[order]
    buckets.write(directory, "deletes", sorted_hashes, sorted_entries)


def _check(hashed: buckets.Keys) -> NDArray[np.uint32]:
    """The bits of a hash that tell keys of one bucket apart."""
    bits = (hashed >> np.uint64(_CHECK_SHIFT)) & np.uint64((1 << _CHECK_BITS) - 1)
    return bits.astype(np.uint32)


def _kept(length: int) -> list[list[int]]:
    """Which letters are left when up to `DISTANCE` of `length` are deleted."""
    sizes = range(max(0, length - DISTANCE), length + 1)
    return [list(kept) for size in sizes for kept in combinations(range(length), size)]


def _hashed(letters: NDArray[np.uint8]) -> buckets.Keys:
    """The hash of up to seven letters a row, read as one number, the first letter lowest."""
    packed = np.zeros(len(letters), np.uint64)
    for place in range(letters.shape[1]):
        packed |= letters[:, place].astype(np.uint64) << np.uint64(8 * place)
    return buckets.hash_many(packed)
