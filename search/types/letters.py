"""Words as trigrams of letters, which words that differ little share.

A trigram is a number below `TRIGRAMS`: three symbols of 40, which are the space before and behind a
word, the apostrophe, the point, the letters from a to z, the digits, and one for all else of ASCII.
Characters of other scripts share these symbols: two of their trigrams are seldom the same.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_EXACT = " '." + string.ascii_lowercase + string.digits
_SYMBOLS = 40
TRIGRAMS = _SYMBOLS**3
_SPACE = ord(" ")
_ASCII, _CHARACTERS = 1 << 7, 1 << 16


def _symbols() -> NDArray[np.uint16]:
    found = np.arange(_CHARACTERS, dtype=np.uint16) % np.uint16(_SYMBOLS)
    found[:_ASCII] = len(_EXACT)
    found[[ord(each) for each in _EXACT]] = np.arange(len(_EXACT), dtype=np.uint16)
    return found


SYMBOL_OF: NDArray[np.uint16] = _symbols()
"""The symbol of every character; those beyond the last have its symbol."""


def characters_of(words: str) -> NDArray[np.uint32]:
    """The characters of words separated by spaces, and a space before and behind them all."""
    return np.frombuffer(f" {words} ".encode("utf-32-le", "surrogatepass"), np.uint32)


def trigrams_of(words: str) -> NDArray[np.uint16]:
    """The trigrams of words separated by spaces, one word's after another's, as many as it has
    characters: those of `kit` are ` ki`, `kit` and `it `."""
    characters = characters_of(words)
    symbols = SYMBOL_OF.take(characters, mode="clip")
    found = symbols[:-2] * np.uint16(_SYMBOLS)
    found += symbols[1:-1]
    found *= np.uint16(_SYMBOLS)
    found += symbols[2:]
    kept: NDArray[np.uint16] = found[characters[1:-1] != _SPACE]
    return kept


@dataclass(frozen=True, slots=True)
class Letters:
    """The trigrams of every stem by its code (see `search.types.TextRows`), for kernels.

    A stem of the snapshot has `trigrams[offsets[code]:offsets[code + 1]]`; those of live changes
    follow in `later_trigrams` and `later_offsets`, which begins at 0. `titles` is the number of the
    snapshot's titles with each trigram, int32 of shape (TRIGRAMS,).
    """

    trigrams: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    later_trigrams: NDArray[np.uint16]
    later_offsets: NDArray[np.int64]
    titles: NDArray[np.int32]
