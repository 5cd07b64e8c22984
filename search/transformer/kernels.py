"""A BERT encoder over 8-bit weights, for processors with AVX-512 VNNI or AVX2: one text at a time.

The arithmetic is that of ONNX Runtime's operators in the exported graph (`MatMulNBits` with blocks
of 64 and accuracy level 4): rows are rounded to 8 bits block by block, blocks are multiplied in
integers and added up in 32-bit floats. What differs is the order: ONNX Runtime adds up across
registers for every number of a product, here 16 columns lie side by side and nothing is added
across, so that a query takes half of the time and a title a third.

Importing this module compiles it, which fails on other processors: see `search.transformer`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
from numba import from_dtype, njit, types

from search.transformer import layouts_here
from search.transformer.layout import (
    BLOCK,
    LANES,
    ROWS,
    Floats,
    Integers,
    Layout,
    Product,
    Room,
    Weights,
)
from search.transformer.tiles import four_rows, one_row, three_rows, two_rows
from search.transformer.vectors import REGISTER, WORD, address, bytes_of, panel_of, tokens_of
from search.transformer.weighting import add_weighted, add_weighted_to_one

Encode = Callable[[Floats, Weights, Room, Floats], None]
F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "_nrt": False}
"""Numba's own run time would count references to arrays at every slice; Python's model of errors
would check every division, and LLVM then finds no vectors."""


def _helper(function: F, fast: Any = True) -> F:
    """Compiles a function into the kernel. All must be in this module: numba keeps a kernel on disk
    until the kernel's module changes."""
    return cast(F, njit(fastmath=fast, **_OPTIONS)(function))


def _exact(function: F) -> F:
    """As `_helper`, where numbers are rounded in the order that is written."""
    return _helper(function, {"nnan", "nsz"})


def _inlined(function: F) -> F:
    """As `_helper`, written into its callers: for few lines that are called with many numbers."""
    return cast(F, njit(inline="always", fastmath=True, **_OPTIONS)(function))


@_exact
def _multiply(inner: int, product: Product, layer: int, into: Floats, where: Room) -> None:
    """The product of the rounded rows with a layer's weights, and its bias, of shape (tokens,
    columns)."""
    rows, columns = into.shape
    kind, panel = where.rounded, panel_of(where.rounded)
    blocks, numbers = inner // BLOCK * WORD, inner * bytes_of(kind)
    weights, scales = address(product.weights[layer]), address(product.scales[layer])
    bias, out = address(product.bias[layer]), address(into)
    for _ in range(columns // panel):
        rounded, steps, corrections = (
            address(where.rounded),
            address(where.steps),
            address(where.corrections),
        )
        to, left = out, rows
        while left >= ROWS:
            four_rows(kind, rounded, steps, corrections, weights, scales, bias, to, inner, columns)
            rounded += ROWS * numbers
            steps += ROWS * blocks
            corrections += ROWS * blocks
            to += ROWS * columns * WORD
            left -= ROWS
        if left == 3:
            three_rows(kind, rounded, steps, corrections, weights, scales, bias, to, inner, columns)
        elif left == 2:
            two_rows(kind, rounded, steps, corrections, weights, scales, bias, to, inner, columns)
        elif left == 1:
            one_row(kind, rounded, steps, corrections, weights, scales, bias, to, inner, columns)
        weights += inner * panel
        scales += blocks * panel
        bias += panel * WORD
        out += panel * WORD


@_exact
def _round(rows: Floats, where: Room) -> None:
    """Rounds each block to 8 bits by its largest number. What comes of zeros being 128 in the
    weights is taken back by a correction for each block."""
    numbers = rows.reshape(-1)
    bits, tops = numbers.view(np.int32), where.steps.view(np.int32)
    blocks = len(numbers) // BLOCK
    for block in range(blocks):
        top = np.int32(0)
        row_bits = bits[block * BLOCK : (block + 1) * BLOCK]
        for i in range(BLOCK):
            top = max(top, row_bits[i] & np.int32(0x7FFFFFFF))  # ordered as the magnitudes are
        tops[block] = top
    for block in range(blocks):
        row = numbers[block * BLOCK : (block + 1) * BLOCK]
        rounded = where.rounded[block * BLOCK : (block + 1) * BLOCK]
        largest = where.steps[block]
        per_step = np.float32(127) / largest if largest > 0 else np.float32(0)
        total = np.int32(0)
        for i in range(BLOCK):
            one = np.int32(np.rint(row[i] * per_step))
            rounded[i] = one
            total += one
        where.steps[block] = largest / np.float32(127)
        where.corrections[block] = -128 * total


@_helper
def _normalize(rows: Floats, by: Floats, epsilon: float) -> None:
    """Layer normalization, in place."""
    size = rows.shape[1]
    scale, shift = by[0], by[1]
    for token in range(len(rows)):
        row = rows[token]
        mean = np.float32(0)
        for i in range(size):
            mean += row[i]
        mean /= np.float32(size)
        variance = np.float32(0)
        for i in range(size):
            variance += (row[i] - mean) * (row[i] - mean)
        inverse = np.float32(1) / np.sqrt(variance / np.float32(size) + np.float32(epsilon))
        for i in range(size):
            row[i] = (row[i] - mean) * inverse * scale[i] + shift[i]


@_helper
def _gelu(rows: Floats) -> None:
    """x times the normal distribution's share below x, in place. Its error function is the
    rational approximation of Eigen (`generic_fast_erf_float`), exact to four units in the last
    place."""
    numbers = rows.reshape(-1)
    for i in range(len(numbers)):
        x = numbers[i]
        z = x * np.float32(math.sqrt(0.5))
        z = z if z < np.float32(4) else np.float32(4)
        z = z if z > np.float32(-4) else np.float32(-4)
        s = z * z
        above = np.float32(-2.72614225801306e-10) * s + np.float32(2.77068142495902e-08)
        above = above * s + np.float32(-2.10102402082508e-06)
        above = above * s + np.float32(-5.69250639462346e-05)
        above = above * s + np.float32(-7.34990630326855e-04)
        above = above * s + np.float32(-2.95459980854025e-03)
        above = above * s + np.float32(-1.60960333262415e-02)
        below = np.float32(-1.45660718464996e-05) * s + np.float32(-2.13374055278905e-04)
        below = below * s + np.float32(-1.68282697438203e-03)
        below = below * s + np.float32(-7.37332916720468e-03)
        below = below * s + np.float32(-1.42647390514189e-02)
        numbers[i] = np.float32(0.5) * x * (np.float32(1) + z * above / below)


@_helper
def _softmax(scores: Floats, powers: Integers) -> None:
    """Of one row, in place: e to the power of x as a power of two, by its bits, times the Taylor
    series of the rest."""
    twos = powers.view(np.float32)
    top = scores[0]
    for i in range(len(scores)):
        top = top if top > scores[i] else scores[i]
    total = np.float32(0)
    for start in range(0, len(scores), LANES):
        part = scores[start : start + LANES]
        for i in range(LANES):
            x = part[i] - top
            x = x if x > np.float32(-80) else np.float32(-80)
            power = np.rint(x * np.float32(math.log2(math.e)))
            powers[i] = (np.int32(power) + np.int32(127)) << np.int32(23)
            rest = x - power * np.float32(math.log(2))
            series = np.float32(1 / 720) * rest + np.float32(1 / 120)
            series = series * rest + np.float32(1 / 24)
            series = series * rest + np.float32(1 / 6)
            series = series * rest + np.float32(1 / 2)
            series = series * rest + np.float32(1)
            part[i] = series * rest + np.float32(1)
        for i in range(LANES):
            part[i] *= twos[i]
            total += part[i]
    inverse = np.float32(1) / total
    for i in range(len(scores)):
        scores[i] *= inverse


@_inlined
def _weigh(
    where: Room,
    tokens: int,
    out: int,
    of_out: int,
    size: int,
    rows: int,
    of_row: int,
    weights: int,
    of_weights: int,
    count: int,
) -> None:
    """Adds to the first `size` bytes of each token's `out` those of each of `count` rows times the
    token's weight of it. By addresses; `of_...` are the bytes from one to the next."""
    kind, several = where.rounded, tokens_of(where.rounded)
    for _ in range(tokens // several):
        for lane in range(0, size, REGISTER):
            add_weighted(kind, out + lane, of_out, rows + lane, of_row, weights, of_weights, count)
        out += several * of_out
        weights += several * of_weights
    for _ in range(tokens % several):
        for lane in range(0, size, REGISTER):
            add_weighted_to_one(
                kind, out + lane, of_out, rows + lane, of_row, weights, of_weights, count
            )
        out += of_out
        weights += of_weights


@_helper
def _attend(heads: int, into: Floats, where: Room) -> None:
    """Attention of each token to all, of shape (tokens, width)."""
    tokens, width = into.shape
    size, lanes = width // heads, where.scores.shape[1]
    of_row, of_scores, of_three = width * WORD, lanes * WORD, 3 * width * WORD
    scale = np.float32(1 / math.sqrt(size))
    into[:] = 0
    for head in range(heads):
        start = head * size
        for token in range(tokens):
            key = where.threes[token, width + start : width + start + size]
            for i in range(size):
                where.keys[i, token] = key[i] * scale
        where.scores[:, :tokens] = 0
        where.scores[:, tokens:] = np.float32(-1e9)  # lanes without a token
        queries = address(where.threes) + start * WORD
        scores, keys = address(where.scores), address(where.keys)
        _weigh(
            where, tokens, scores, of_scores, of_scores, keys, of_scores, queries, of_three, size
        )
        for token in range(tokens):
            _softmax(where.scores[token], where.powers)
        values = address(where.threes) + (2 * width + start) * WORD
        scores, out = address(where.scores), address(into) + start * WORD
        _weigh(where, tokens, out, of_row, size * WORD, values, of_three, scores, of_scores, tokens)


@_helper
def _pool(rows: Floats, into: Floats) -> None:
    """The mean of rows, at unit length."""
    into[:] = 0
    for token in range(len(rows)):
        row = rows[token]
        for i in range(len(into)):
            into[i] += row[i]
    square = np.float32(0)
    for i in range(len(into)):
        square += into[i] * into[i]
    inverse = np.float32(1) / np.sqrt(max(square, np.float32(1e-24)))
    for i in range(len(into)):
        into[i] *= inverse


def _array(kind: Any, dimensions: int) -> Any:
    return types.Array(kind, dimensions, "C")


_SINGLES, _MATRIX = _array(types.float32, 1), _array(types.float32, 2)
_named: Any = types.NamedTuple
_PRODUCT = _named((_array(types.uint8, 2), _MATRIX, _MATRIX), Product)
_WEIGHTS = _named(
    (types.int64, types.float64, _MATRIX, *[_PRODUCT] * 4, _array(types.float32, 4)), Weights
)
_INTEGERS = _array(types.int32, 1)


@cache
def compiled(layout: Layout) -> Encode:
    """`encode` for a layout, whose type of rounded rows tells it apart where numba keeps it."""
    rounded = _array(from_dtype(layout.rounded), 1)
    room = _named((*[_MATRIX] * 5, _INTEGERS, rounded, _SINGLES, _INTEGERS), Room)
    signature = types.void(_MATRIX, _WEIGHTS, room, _SINGLES)
    return cast(Encode, njit(signature, **_OPTIONS)(encode))


def encode(states: Floats, weights: Weights, where: Room, into: Floats) -> None:
    """The unit vector of a text, into `into`. `states`, of shape (tokens, width), are the sums of
    its tokens' embeddings; they are written over."""
    width, inner = states.shape[1], where.wide.shape[1]
    _normalize(states, weights.embedded, weights.epsilon)
    for layer in range(len(weights.normalized)):
        _round(states, where)
        _multiply(width, weights.attended, layer, where.threes, where)
        _attend(weights.heads, where.rows, where)
        _round(where.rows, where)
        _multiply(width, weights.projected, layer, where.rows, where)
        states += where.rows
        _normalize(states, weights.normalized[layer, 0], weights.epsilon)
        _round(states, where)
        _multiply(width, weights.widened, layer, where.wide, where)
        _gelu(where.wide)
        _round(where.wide, where)
        _multiply(inner, weights.narrowed, layer, where.rows, where)
        states += where.rows
        _normalize(states, weights.normalized[layer, 1], weights.epsilon)
    _pool(states, into)


compiled(layouts_here()[0])
