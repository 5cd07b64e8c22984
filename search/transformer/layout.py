"""How the kernel's weights lie in memory, and where it works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

BLOCK = 64
"""Numbers of a row that share a scale."""
LANES = 16
"""Numbers of 32 bits side by side, but for products: a register of AVX-512, two of AVX2."""
ROWS = 4
"""Rows of a product made at once: with a panel's columns their sums fill half of the registers."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How weights and rounded rows lie for the instruction with which a processor multiplies.

    needs: what the processor must have, as LLVM calls it
    lanes: numbers of 32 bits in a register
    registers: of columns that are made at once
    together: rows of weights whose products the instruction adds up in a lane
    rounded: type of the numbers of a rounded row; `together` of them fill a lane
    tokens: whose attention is added up at once
    """

    name: str
    needs: frozenset[str]
    lanes: int
    registers: int
    together: int
    rounded: np.dtype[Any]
    tokens: int

    @property
    def panel(self) -> int:
        """Columns of a product made at once."""
        return self.registers * self.lanes


VNNI = Layout(
    name="AVX-512 VNNI",
    needs=frozenset({"+avx512f", "+avx512vnni"}),
    lanes=16,
    registers=4,
    together=4,
    rounded=np.dtype(np.int8),
    tokens=1,  # more is measured on AVX2 alone
)
AVX2 = Layout(
    name="AVX2",
    needs=frozenset({"+avx2", "+fma"}),
    lanes=8,
    registers=2,
    together=2,
    rounded=np.dtype(np.int16),
    tokens=4,
)
"""Its instruction for bytes would lose what exceeds 16 bits; that for 16 bits loses nothing, and
weights are widened as they are read."""
LAYOUTS = (VNNI, AVX2)
"""The fastest first. Each rounds to a type of its own, which compiled code knows it by."""


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
    rounded: rows in 8 bits, of the layout's type, flat
    steps, corrections: of their blocks, float32 and int32
    """

    rows: Floats
    wide: Floats
    threes: Floats
    scores: Floats
    keys: Floats
    powers: Integers
    rounded: NDArray[np.signedinteger[Any]]
    steps: Floats
    corrections: Integers


def pack(
    weights: NDArray[np.uint8], scales: Floats, layout: Layout
) -> tuple[NDArray[np.uint8], Floats]:
    """Weights of shape (columns, rows) and scales of shape (columns, rows / BLOCK) in the order in
    which they are read, flat: panels of columns; in them blocks; of each column the rows that are
    multiplied together."""
    columns, rows = weights.shape
    panels, panel, together = columns // layout.panel, layout.panel, layout.together
    packed = weights.reshape(panels, panel, rows // together, together).transpose(0, 2, 1, 3)
    packed_scales = scales.reshape(panels, panel, rows // BLOCK).transpose(0, 2, 1)
    return packed.reshape(-1), packed_scales.reshape(-1)


def room(tokens: int, weights: Weights, layout: Layout) -> Room:
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
        rounded=np.empty(tokens * inner, layout.rounded),
        steps=np.empty(tokens * inner // BLOCK, np.float32),
        corrections=np.empty(tokens * inner // BLOCK, np.int32),
    )
