"""Products of rounded rows with weights, a tile of a few rows and columns at a time.

What differs between processors is here: how they multiply bytes. The sums of a block are the same
integers on all of them, and blocks are added up in the same order, so a product is the same to the
bit. LLVM finds neither of the instructions by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from numba.core import types

from search.transformer.layout import AVX2, BLOCK, ROWS, VNNI, Layout
from search.transformer.vectors import (
    F32,
    I32,
    I64,
    WORD,
    Vectors,
    cgutils,
    intrinsic,
    ir,
    layout_of,
)

AHEAD = 8192
"""Bytes of weights that are fetched ahead: what lies behind other searches' data in main memory
takes a query as long to read as to compute."""
_LINE = 64
"""Bytes that come from memory at once."""


class _Products(Vectors, ABC):
    """Writes the code that multiplies weights with rounded rows in a layout."""

    def __init__(self, builder: Any, layout: Layout) -> None:
        super().__init__(builder)
        self.integers = ir.VectorType(I32, layout.lanes)
        self.floats = ir.VectorType(F32, layout.lanes)

    @abstractmethod
    def weights(self, address: Any) -> Any:
        """A register of weights: in each lane those of a column that are multiplied together."""

    @abstractmethod
    def add_dots(self, variable: Any, weights: Any, rounded: Any) -> None:
        """Adds up in each lane the weights times the numbers of a row that lie in that lane."""


class _ProductsByVnni(_Products):
    def weights(self, address: Any) -> Any:
        return self.load(address, self.integers)

    def add_dots(self, variable: Any, weights: Any, rounded: Any) -> None:
        # Declared as before LLVM 22, which reads either.
        arguments = [self.builder.load(variable), weights, rounded]
        total = self.call("llvm.x86.avx512.vpdpbusd.512", self.integers, arguments)
        self.builder.store(total, variable)


class _ProductsByAvx2(_Products):
    def __init__(self, builder: Any, layout: Layout) -> None:
        super().__init__(builder, layout)
        self._bytes, self._pairs = (
            ir.VectorType(ir.IntType(bits), 2 * layout.lanes) for bits in (8, 16)
        )

    def weights(self, address: Any) -> Any:
        return self.builder.zext(self.load(address, self._bytes), self._pairs)

    def add_dots(self, variable: Any, weights: Any, rounded: Any) -> None:
        arguments = [weights, self.builder.bitcast(rounded, self._pairs)]
        dots = self.call("llvm.x86.avx2.pmadd.wd", self.integers, arguments)
        total = self.builder.add(self.builder.load(variable), dots)
        self.builder.store(total, variable)


_PRODUCTS: Mapping[Layout, type[_Products]] = {VNNI: _ProductsByVnni, AVX2: _ProductsByAvx2}


def _tile(rows: int) -> Any:
    """A function that makes a panel of a product for so many rows. `kind` is an array of rounded
    rows, whose type tells the layout. The others are addresses: of rounded rows, their steps and
    corrections, of weights, scales, bias and of the result; `inner` and `columns` are the numbers
    in a row of the first and of the last."""

    @intrinsic
    def tile(
        typing: Any,
        kind: Any,
        rounded: Any,
        steps: Any,
        corrections: Any,
        weights: Any,
        scales: Any,
        bias: Any,
        out: Any,
        inner: Any,
        columns: Any,
    ) -> Any:
        layout = layout_of(kind)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _write_tile(builder, layout, range(rows), *arguments[1:])
            return context.get_dummy_value()

        return types.void(kind, *[types.int64] * 9), generate

    return tile


def _write_tile(
    builder: Any,
    layout: Layout,
    rows: range,
    rounded: Any,
    steps: Any,
    corrections: Any,
    weights: Any,
    scales: Any,
    bias: Any,
    out: Any,
    inner: Any,
    columns: Any,
) -> None:
    code, registers = _PRODUCTS[layout](builder, layout), range(layout.registers)
    register, number = layout.lanes * WORD, layout.rounded.itemsize
    blocks = builder.lshr(inner, ir.Constant(I64, 6))
    in_row = builder.mul(blocks, ir.Constant(I64, WORD))
    sums = [
        [code.variable(code.load(code.at(bias, (r, register)), code.floats)) for r in registers]
        for _ in rows
    ]
    with cgutils.for_range(builder, blocks) as block:
        at_block = [
            builder.add(
                builder.mul(in_row, ir.Constant(I64, row)),
                code.at(ir.Constant(I64, 0), (block.index, WORD)),
            )
            for row in rows
        ]
        first = [code.all_lanes(builder.add(corrections, at), code.integers) for at in at_block]
        dots = [[code.variable(each) for _ in registers] for each in first]
        block_rows = [
            code.at(
                rounded,
                (builder.mul(inner, ir.Constant(I64, row)), number),
                (block.index, BLOCK * number),
            )
            for row in rows
        ]
        block_weights = code.at(weights, (block.index, BLOCK * layout.panel))
        _write_block(code, layout, block_rows, block_weights, dots)
        start = code.at(scales, (block.index, layout.panel * WORD))
        scaled = [code.load(code.at(start, (r, register)), code.floats) for r in registers]
        for row, at in enumerate(at_block):
            step = code.all_lanes(builder.add(steps, at), code.floats)
            for r in registers:
                dot = builder.sitofp(builder.load(dots[row][r]), code.floats)
                code.add_product(sums[row][r], dot, builder.fmul(scaled[r], step))
    for row in rows:
        start = code.at(out, (builder.mul(columns, ir.Constant(I64, row)), WORD))
        for r in registers:
            code.store(builder.load(sums[row][r]), code.at(start, (r, register)))


def _write_block(
    code: _Products, layout: Layout, rows: Sequence[Any], weights: Any, dots: Any
) -> None:
    """Adds a block's products to the dots of each row and register; `rows` and `weights` are
    addresses."""
    registers, together = range(layout.registers), layout.together
    with cgutils.for_range(code.builder, ir.Constant(I64, BLOCK // together)) as turn:
        start = code.at(weights, (turn.index, together * layout.panel))
        loaded = [code.weights(code.at(start, (r, together * layout.lanes))) for r in registers]
        for line in range(0, together * layout.panel, _LINE):
            code.fetch(code.at(start, (line, 1), (AHEAD, 1)))
        for row, row_start in enumerate(rows):
            numbers = code.all_lanes(code.at(row_start, (turn.index, WORD)), code.integers)
            for r in registers:
                code.add_dots(dots[row][r], loaded[r], numbers)


one_row, two_rows, three_rows, four_rows = (_tile(rows) for rows in range(1, ROWS + 1))
