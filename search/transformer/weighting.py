"""Sums of rows times weights, as attention needs them, for a few tokens at a time.

How many tokens changes no sum: each is added up row by row. Every addition waits for the one before
it, so the processor needs other sums meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core import types

from search.transformer.layout import LANES, Layout
from search.transformer.vectors import F32, I64, WORD, Vectors, cgutils, intrinsic, ir, layout_of


def _weighting(tokens: Callable[[Layout], int]) -> Any:
    """A function that adds, for so many tokens, to the 16 numbers at `out` the first 16 of each of
    `count` rows times the token's weight of it. `kind` is an array of rounded rows, whose type
    tells the layout. The others are addresses, and the bytes from one token's out and weights, and
    from one row, to the next."""

    @intrinsic
    def add_weighted(
        typing: Any,
        kind: Any,
        out: Any,
        of_out: Any,
        rows: Any,
        of_row: Any,
        weights: Any,
        of_weights: Any,
        count: Any,
    ) -> Any:
        numbers = range(tokens(layout_of(kind)))

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _write_weighted(builder, numbers, *arguments[1:])
            return context.get_dummy_value()

        return types.void(kind, *[types.int64] * 7), generate

    return add_weighted


def _write_weighted(
    builder: Any,
    numbers: range,
    out: Any,
    of_out: Any,
    rows: Any,
    of_row: Any,
    weights: Any,
    of_weights: Any,
    count: Any,
) -> None:
    code, floats = Vectors(builder), ir.VectorType(F32, LANES)
    outs, all_weights = (
        [builder.add(start, builder.mul(size, ir.Constant(I64, number))) for number in numbers]
        for start, size in ((out, of_out), (weights, of_weights))
    )
    totals = [code.variable(code.load(each, floats)) for each in outs]
    with cgutils.for_range(builder, count) as loop:
        row = code.load(builder.add(rows, builder.mul(of_row, loop.index)), floats)
        for total, each in zip(totals, all_weights, strict=True):
            weight = code.all_lanes(code.at(each, (loop.index, WORD)), floats)
            code.add_product(total, row, weight)
    for total, each in zip(totals, outs, strict=True):
        code.store(builder.load(total), each)


add_weighted, add_weighted_to_one = (
    _weighting(lambda layout: layout.tokens),
    _weighting(lambda _: 1),
)
