"""Where candidates stand in the rankings of the retrievers."""

from __future__ import annotations

from typing import Any

import numpy as np

from rankers.features.kernels.types import (
    Ints,
    Singles,
    Table,
    f4,
    helper,
    i4,
    ints_filled,
    kernel,
    table,
)

_CONSTANT = 60.0
"""Of the reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009)."""
_MULTIPLIER = 2654435761
"""Knuth's multiplicative hash."""


@helper
def _index(ordinals: Ints, heads: Ints) -> None:
    """Puts the places of ordinals into a hash table of a power of two, -1 where empty."""
    heads[:] = -1
    last = len(heads) - 1
    for place in range(len(ordinals)):
        at = (ordinals[place] * _MULTIPLIER >> 8) & last
        while heads[at] >= 0:
            at = (at + 1) & last
        heads[at] = place


@helper
def _place(ordinal: int, ordinals: Ints, heads: Ints) -> Any:
    last = len(heads) - 1
    at = (ordinal * _MULTIPLIER >> 8) & last
    while heads[at] >= 0:
        if ordinals[heads[at]] == ordinal:
            return heads[at]
        at = (at + 1) & last
    return -1


@helper
def _stage(
    out: Table, candidates: Ints, ordinals: Ints, scores: Singles, column: int, heads: Ints
) -> None:
    """Fills four columns: rank, score, share of the best score, reciprocal rank."""
    out[:, column + 3] = 0
    if not len(ordinals):
        return
    _index(ordinals, heads)
    best = scores[0]
    for i in range(len(candidates)):
        place = _place(candidates[i], ordinals, heads)
        if place >= 0:
            out[i, column] = place + 1
            out[i, column + 1] = scores[place]
            out[i, column + 2] = scores[place] / best if best > 0 else np.nan
            out[i, column + 3] = 1 / (_CONSTANT + place + 1)


@kernel(table, i4, i4, f4, i4, f4, i4, f4, i4, f4, ints_filled)
def fill(
    out: Table,
    candidates: Ints,
    words: Ints,
    word_scores: Singles,
    near: Ints,
    near_scores: Singles,
    fused: Ints,
    fused_scores: Singles,
    gained: Ints,
    gains: Singles,
    heads: Ints,
) -> None:
    """Fills a table that holds NaN: four columns for each retriever and the fused ranking, what a
    candidate gained as a share of the best fused score, whether both retrievers found it. `heads`
    is room for twice the longest ranking, a power of two."""
    _stage(out, candidates, words, word_scores, 0, heads)
    _stage(out, candidates, near, near_scores, 4, heads)
    _stage(out, candidates, fused, fused_scores, 8, heads)
    out[:, 12] = 0
    best = fused_scores[0] if len(fused) else np.float32(0)
    if len(gained) and best > 0:
        _index(gained, heads)
        for i in range(len(candidates)):
            place = _place(candidates[i], gained, heads)
            if place >= 0:
                out[i, 12] = gains[place] / best
    for i in range(len(candidates)):
        out[i, 13] = out[i, 3] > 0 and out[i, 7] > 0
