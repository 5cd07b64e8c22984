"""The trigrams of stems' letters, and how many titles have each: written with a snapshot's texts
and mapped, those of live changes appended behind them (see `search.types.Letters`).

Beside the stems lie `letters.npy` and `letters.offsets.npy`, by code, and `letters.titles.npy`, by
trigram. Snapshots of earlier builds have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.engines.local.arrays import GrowingArray, load
from search.types import TRIGRAMS, Letters, trigrams_of

_TRIGRAMS, _OFFSETS, _TITLES = "letters.npy", "letters.offsets.npy", "letters.titles.npy"
_AT_ONCE = 1 << 16
"""Stems whose trigrams are made in one step: a few MB."""


def write_letters(
    directory: Path,
    stems: Sequence[str],
    titles: tuple[NDArray[np.int32], NDArray[np.int64]],
) -> None:
    """Writes the trigrams of stems in the order of their codes. `titles` are the codes of all
    titles, and where each begins and ends in them."""
    from search.engines.local.letter_counts import count_titles  # numba: only where it is used

    blocks = range(0, len(stems), _AT_ONCE)
    parts = [trigrams_of(" ".join(stems[start : start + _AT_ONCE])) for start in blocks]
    trigrams = np.concatenate([np.empty(0, np.uint16), *parts])
    offsets = np.zeros(len(stems) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, stems), np.int64, len(stems)), out=offsets[1:])
    counts, seen = np.zeros(TRIGRAMS, np.int32), np.full(TRIGRAMS, -1, np.int64)
    count_titles(*titles, trigrams, offsets, seen, counts)
    for name, each in ((_TRIGRAMS, trigrams), (_OFFSETS, offsets), (_TITLES, counts)):
        np.save(directory / name, each)


class LetterStore:
    """The trigrams of a snapshot's stems and of those appended by live changes."""

    def __init__(self, directory: Path) -> None:
        """Maps the files of `write_letters`.

        Raises:
            FileNotFoundError: the snapshot has none.
        """
        self._trigrams: NDArray[np.uint16] = load(directory / _TRIGRAMS)
        self._offsets: NDArray[np.int64] = load(directory / _OFFSETS)
        self._titles: NDArray[np.int32] = load(directory / _TITLES)
        self._later_trigrams = GrowingArray(np.empty(0, np.uint16))
        self._later_offsets = GrowingArray(np.zeros(1, np.int64))

    @staticmethod
    def open(directory: Path) -> LetterStore | None:
        """Those of a snapshot, None where it has none."""
        return LetterStore(directory) if (directory / _TITLES).exists() else None

    def append(self, stem: str) -> None:
        """Adds the stem with the next code; earlier views do not change."""
        self._later_trigrams.append(trigrams_of(stem))
        self._later_offsets.append(np.array([len(self._later_trigrams)], np.int64))

    def view(self) -> Letters:
        """All stems there are at this moment."""
        offsets = self._later_offsets.rows(len(self._later_offsets))
        return Letters(
            self._trigrams,
            self._offsets,
            self._later_trigrams.rows(int(offsets[-1])),
            offsets,
            self._titles,
        )
