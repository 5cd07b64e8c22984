"""How the kernel's weights lie in memory, and where it works."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

BLOCK = 64
"""Numbers of a row that share a scale."""
LANES = 16
"""Numbers of 32 bits in a register."""
REGISTERS = 4
PANEL = REGISTERS * LANES
"""Columns of a product made at once."""
ROWS = 4
"""Rows of a product made at once: with four registers of columns their sums fill half of the
registers there are."""


class Product(NamedTuple):
    """The weights of one of a layer's products, for all layers.

    weights: uint8 of shape (layers, columns * rows), packed by `pack`; 128 stands for 0
    scales: float32 of shape (layers, columns * rows / BLOCK), packed too
    bias: float32 of shape (layers, columns)
    """

    weights: NDArray[np.uint8]
    scales: Floats
    bias: Floats


class Weights(NamedTuple):
    """What the kernel reads; scale and shift of each normalization are rows of one array.

    embedded: float32 of shape (2, width)
    attended: queries, keys and values; projected: what attention found
    widened, narrowed: the feed-forward layer
    normalized: float32 of shape (layers, 2, 2, width): after attention, after feeding forward
    """

    heads: int
    epsilon: float
    embedded: Floats
    attended: Product
    projected: Product
    widened: Product
    narrowed: Product
    normalized: Floats


class Room(NamedTuple):
    """Where the kernel works, for one text; float32 unless said.

    rows, wide: of shape (tokens, width or inner); threes of shape (tokens, 3 * width)
    scores: (tokens, lanes); keys: (width / heads, lanes), lanes being tokens rounded up to LANES
    powers: int32, LANES
    bytes: rounded rows, int8, flat; steps, corrections: of their blocks, float32 and int32
    """

    rows: Floats
    wide: Floats
    threes: Floats
    scores: Floats
    keys: Floats
    powers: Integers
    bytes: NDArray[np.int8]
    steps: Floats
    corrections: Integers


def pack(weights: NDArray[np.uint8], scales: Floats) -> tuple[NDArray[np.uint8], Floats]:
    """Weights of shape (columns, rows) and scales of shape (columns, rows / BLOCK) in the order in
    which they are read, flat: panels of columns; in them blocks; four rows of each column."""
    columns, rows = weights.shape
    fours = weights.reshape(columns // PANEL, PANEL, rows // 4, 4).transpose(0, 2, 1, 3)
    panels = scales.reshape(columns // PANEL, PANEL, rows // BLOCK).transpose(0, 2, 1)
    return fours.reshape(-1), panels.reshape(-1)


def room(tokens: int, weights: Weights) -> Room:
    """Where a text of so many tokens is encoded."""
    width = weights.embedded.shape[1]
    inner = weights.widened.bias.shape[1]
    lanes = -tokens % LANES + tokens
    return Room(
        rows=np.empty((tokens, width), np.float32),
        wide=np.empty((tokens, inner), np.float32),
        threes=np.empty((tokens, 3 * width), np.float32),
        scores=np.empty((tokens, lanes), np.float32),
        keys=np.zeros((width // weights.heads, lanes), np.float32),
        powers=np.empty(LANES, np.int32),
        bytes=np.empty(tokens * inner, np.int8),
        steps=np.empty(tokens * inner // BLOCK, np.float32),
        corrections=np.empty(tokens * inner // BLOCK, np.int32),
    )
