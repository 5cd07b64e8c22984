"""What the kernel does with whole registers, written in LLVM's own language.

LLVM would find neither the instruction that multiplies bytes nor that sums can stay in registers.
Addresses are plain integers here.

Numba keeps a compiled kernel until the kernel's own module changes: after a change here, touch
`kernels.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir as _ir  # type: ignore[import-untyped]
from numba.core import cgutils as _cgutils
from numba.core import types
from numba.extending import intrinsic as _intrinsic

from search.transformer.layout import BLOCK, LANES, PANEL, REGISTERS, ROWS

ir: Any = _ir
cgutils: Any = _cgutils
"""Untyped, as are most of their functions."""
intrinsic = cast(Callable[[Callable[..., Any]], Any], _intrinsic)

_I32, _I64, _F32 = ir.IntType(32), ir.IntType(64), ir.FloatType()
_INTS, _FLOATS = ir.VectorType(_I32, LANES), ir.VectorType(_F32, LANES)
_FUSED = ("contract",)
WORD = 4
"""Bytes of a number of 32 bits."""
REGISTER = LANES * WORD
AHEAD = 8192
"""Bytes of weights that are fetched ahead: what lies behind other searches' data in main memory
takes a query as long to read as to compute."""


class _Vectors:
    """Writes LLVM's code for vectors."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def at(self, base: Any, *steps: tuple[Any, int]) -> Any:
        """The address so many steps of so many bytes after another."""
        for count, size in steps:
            count = ir.Constant(_I64, count) if isinstance(count, int) else count
            base = self._builder.add(base, self._builder.mul(count, ir.Constant(_I64, size)))
        return base

    def load(self, address: Any, kind: Any) -> Any:
        loaded = self._builder.load(self._builder.inttoptr(address, kind.as_pointer()))
        loaded.align = WORD
        return loaded

    def fetch(self, address: Any) -> None:
        """Has memory brought near, without waiting for it."""
        pointer = ir.IntType(8).as_pointer()
        signature = ir.FunctionType(ir.VoidType(), [pointer, _I32, _I32, _I32])
        fetch = cgutils.get_or_insert_function(self._builder.module, signature, "llvm.prefetch.p0")
        to_read_often_data = [ir.Constant(_I32, each) for each in (0, 3, 1)]
        self._builder.call(fetch, [self._builder.inttoptr(address, pointer), *to_read_often_data])

    def store(self, value: Any, address: Any) -> None:
        place = self._builder.inttoptr(address, value.type.as_pointer())
        self._builder.store(value, place).align = WORD

    def all_lanes(self, address: Any, kind: Any) -> Any:
        """The number at an address, in all lanes of a vector."""
        nothing = ir.Constant(kind, ir.Undefined)
        first = self._builder.insert_element(
            nothing, self.load(address, kind.element), ir.Constant(_I32, 0)
        )
        return self._builder.shuffle_vector(first, nothing, ir.Constant(_INTS, [0] * LANES))

    def variable(self, value: Any) -> Any:
        """Kept in a register as long as there are enough."""
        return cgutils.alloca_once_value(self._builder, value)

    def add_product(self, variable: Any, one: Any, other: Any) -> None:
        product = self._builder.fmul(one, other, flags=_FUSED)
        total = self._builder.fadd(self._builder.load(variable), product, flags=_FUSED)
        self._builder.store(total, variable)

    def add_bytes(self, variable: Any, unsigned: Any, signed: Any) -> None:
        """Adds to each of 16 integers the products of four bytes with four."""
        # Declared as before LLVM 22, which reads either.
        signature = ir.FunctionType(_INTS, [_INTS] * 3)
        multiply = cgutils.get_or_insert_function(
            self._builder.module, signature, "llvm.x86.avx512.vpdpbusd.512"
        )
        total = self._builder.call(multiply, [self._builder.load(variable), unsigned, signed])
        self._builder.store(total, variable)


def _tile(rows: int) -> Any:
    """A function that makes a panel of a product for so many rows, by addresses: of rounded rows,
    their steps and corrections, of weights, scales, bias and of the result; `inner` and `columns`
    are the numbers in a row of the first and of the last."""

    @intrinsic
    def tile(
        typing: Any,
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
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _write_tile(builder, range(rows), *arguments)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 9), generate

    return tile


def _write_tile(
    builder: Any,
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
    code, registers = _Vectors(builder), range(REGISTERS)
    blocks = builder.lshr(inner, ir.Constant(_I64, 6))
    in_row = builder.mul(blocks, ir.Constant(_I64, WORD))
    sums = [
        [code.variable(code.load(code.at(bias, (r, REGISTER)), _FLOATS)) for r in registers]
        for _ in rows
    ]
    with cgutils.for_range(builder, blocks) as block:
        at_block = [
            builder.add(
                builder.mul(in_row, ir.Constant(_I64, row)),
                code.at(ir.Constant(_I64, 0), (block.index, WORD)),
            )
            for row in rows
        ]
        dots = [
            [code.variable(code.all_lanes(builder.add(corrections, at), _INTS)) for _ in registers]
            for at in at_block
        ]
        row_starts = [
            code.at(rounded, (builder.mul(inner, ir.Constant(_I64, row)), 1), (block.index, BLOCK))
            for row in rows
        ]
        block_start = code.at(weights, (block.index, BLOCK * PANEL))
        with cgutils.for_range(builder, ir.Constant(_I64, BLOCK // 4)) as four:
            start = code.at(block_start, (four.index, 4 * PANEL))
            loaded = [code.load(code.at(start, (r, REGISTER)), _INTS) for r in registers]
            for r in registers:
                code.fetch(code.at(start, (r, REGISTER), (AHEAD, 1)))
            for row, row_start in enumerate(row_starts):
                fours = code.all_lanes(code.at(row_start, (four.index, 4)), _INTS)
                for r in registers:
                    code.add_bytes(dots[row][r], loaded[r], fours)
        start = code.at(scales, (block.index, PANEL * WORD))
        scaled = [code.load(code.at(start, (r, REGISTER)), _FLOATS) for r in registers]
        for row, at in enumerate(at_block):
            step = code.all_lanes(builder.add(steps, at), _FLOATS)
            for r in registers:
                dot = builder.sitofp(builder.load(dots[row][r]), _FLOATS)
                code.add_product(sums[row][r], dot, builder.fmul(scaled[r], step))
    for row in rows:
        start = code.at(out, (builder.mul(columns, ir.Constant(_I64, row)), WORD))
        for r in registers:
            code.store(builder.load(sums[row][r]), code.at(start, (r, REGISTER)))


one_row, two_rows, three_rows, four_rows = (_tile(rows) for rows in range(1, ROWS + 1))


@intrinsic
def add_weighted(typing: Any, out: Any, rows: Any, size: Any, weights: Any, count: Any) -> Any:
    """Adds to the 16 numbers at `out` the first 16 of each of `count` rows, `size` bytes apart,
    times its weight."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        out, rows, size, weights, count = arguments
        code = _Vectors(builder)
        total = code.variable(code.load(out, _FLOATS))
        with cgutils.for_range(builder, count) as loop:
            row = code.load(builder.add(rows, builder.mul(size, loop.index)), _FLOATS)
            weight = code.all_lanes(code.at(weights, (loop.index, WORD)), _FLOATS)
            code.add_product(total, row, weight)
        code.store(builder.load(total), out)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@intrinsic
def address(typing: Any, array: Any) -> Any:
    """Where an array's numbers begin."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.ptrtoint(made.data, _I64)

    return types.int64(array), generate
