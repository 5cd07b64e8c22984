"""How many of the trigrams of a query's words titles have.

Every distinct trigram of the query is a bit of a mask, and so is every word of a title. Titles
share words: a word's mask is made once, and remembered until another one takes its place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from rankers.features.kernels.types import (
    Bytes,
    Field,
    Floats,
    Ints,
    Longs,
    Table,
    field,
    floats_filled,
    group,
    helper,
    i4,
    i8,
    ints_filled,
    kernel,
    lengths_filled,
    table,
    whole,
)

MOST = 63
"""Trigrams of a query beyond these are not looked at. The lowest bit stands for all others."""
REMEMBERED = 1024
"""Words of titles whose masks are remembered: a power of two."""
_SPACE, _SYMBOLS = 32, 40
"""As in `search.types.letters`, which says how three characters become a trigram."""

Halves = NDArray[np.uint16]
Characters = NDArray[np.uint32]
Letters = tuple[Halves, Longs, Halves, Longs]
"""The trigrams of all stems (see `search.types.Letters`)."""
Room = tuple[Bytes, Ints, Floats, Ints, Longs]
"""Room to work in: zeros, one a trigram; the query's trigrams, and their weights; -1 for each word
that is remembered, and its mask."""
_u2: Any = types.Array(types.uint16, 1, "C", readonly=True)
_u4: Any = types.Array(types.uint32, 1, "C", readonly=True)
_bytes_filled: Any = types.Array(types.uint8, 1, "C", readonly=False)


@helper
def _place(offsets: Longs, later_offsets: Longs, row: int) -> tuple[bool, int, int]:
    """Whether a row is one of the live changes, and where it begins and ends."""
    base = len(offsets) - 1
    if row < base:
        return False, offsets[row], offsets[row + 1]
    return True, later_offsets[row - base], later_offsets[row - base + 1]


@helper
def _number(
    characters: Characters, symbols: Halves, titles: Ints, bits: Bytes, own: Ints, weights: Floats
) -> int:
    """Gives every distinct trigram that a title has a bit, from 1 on, and counts it in `weights`.
    Returns how many there are."""
    count, last = 0, len(symbols) - 1
    for i in range(1, len(characters) - 1):
        if characters[i] == _SPACE:
            continue
        trigram = 0
        for place in range(i - 1, i + 2):
            trigram = trigram * _SYMBOLS + symbols[min(characters[place], last)]
        if not titles[trigram]:
            continue
        if not bits[trigram]:
            if count == len(own):
                continue
            own[count] = trigram
            weights[count] = 0
            count += 1
            bits[trigram] = count
        weights[bits[trigram] - 1] += 1
    return count


@helper
def _weigh(own: Ints, titles: Ints, products: int, weights: Floats) -> None:
    """Turns counts into the shares of the squares of weights, which fall with the number of titles
    that have a trigram."""
    total = 0.0
    for i in range(len(own)):
        rarity = math.log((1 + products) / (1 + titles[own[i]])) + 1
        weights[i] = ((1 + math.log(weights[i])) * rarity) ** 2
        total += weights[i]
    for i in range(len(own)):
        weights[i] /= total


@helper
def _mask(word: int, letters: Letters, bits: Bytes) -> int:
    """The bits of the trigrams of a word."""
    trigrams, offsets, later_trigrams, later_offsets = letters
    later, start, end = _place(offsets, later_offsets, word)
    mask = 0
    for each in later_trigrams[start:end] if later else trigrams[start:end]:
        mask |= 1 << bits[each]
    return mask


@kernel(
    table, group(_u4, _u2), group(i4, whole), group(_u2, i8, _u2, i8), field,
    group(_bytes_filled, ints_filled, floats_filled, ints_filled, lengths_filled),
)  # fmt: skip
def fill(
    out: Table,
    query: tuple[Characters, Halves],
    known: tuple[Ints, int],
    letters: Letters,
    field: Field,
    room: Room,
) -> None:
    """Fills a table that holds NaN, one row a candidate. `query` are the characters of the query's
    words, with a space before and behind each, and the symbol of every character; `known` how many
    titles have each trigram, and how many there are."""
    titles, products = known
    bits, own, weights, words, masks = room
    count = _number(query[0], query[1], titles, bits, own, weights)
    if not count:
        return
    _weigh(own[:count], titles, products, weights)
    codes, _, spans = field
    for i in range(len(out)):
        words_of_title = codes[spans[0, i] : spans[1, i]]
        mask = 0
        for word in words_of_title:
            place = word & (len(words) - 1)
            if words[place] != word:
                words[place] = word
                masks[place] = _mask(word, letters, bits)
            mask |= masks[place]
        if len(words_of_title):
            share = 0.0
            for bit in range(count):
                share += weights[bit] * ((mask >> (bit + 1)) & 1)
            out[i, 0] = share
